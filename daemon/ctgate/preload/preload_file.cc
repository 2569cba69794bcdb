// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/ctgate/preload/preload_file.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <span>
#include <system_error>

#include "daemon/ctgate/preload/library.hh"
#include "policy/base/file_descriptor.hh"
#include "policy/base/io.hh"
#include "policy/base/replace_file.hh"

namespace ctgate::preload {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t largest_file = std::size_t{1024} * 1024;
constexpr mode_t wanted_mode = 0644;
constexpr unsigned most_links = 40;  // as the kernel: MAXSYMLINKS

struct Content {
  std::string text;
  struct stat status {};
};

tl::unexpected<Error> problem(std::string message) {
  return tl::unexpected(Error{ExitCode::problem, std::move(message)});
}

tl::unexpected<Error> refused(std::string_view action, const fs::path& path, int error) {
  const bool forbidden = error == EACCES || error == EPERM;
  return system_error(fmt::format("cannot {} {}: {}{}", action, path.string(), std::generic_category().message(error),
                                  forbidden ? "; run as root" : ""));
}

// The file behind symbolic links, which need not exist.
Expected<fs::path> real_path(fs::path path) {
  std::error_code failed;
  for (unsigned links = 0; fs::is_symlink(fs::symlink_status(path, failed)); ++links) {
    const fs::path target = fs::read_symlink(path, failed);
    if (failed || links == most_links) return refused("follow the link", path, failed ? failed.value() : ELOOP);
    path = path.parent_path() / target;  // an absolute target stands for itself
  }
  const fs::path directory = path.parent_path().empty() ? fs::path(".") : path.parent_path();
  const fs::path real = fs::canonical(directory, failed);
  if (failed) return refused("open directory", directory, failed.value());
  return real / path.filename();
}

// Nothing if there is no such file.
Expected<std::optional<Content>> read_content(const fs::path& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file && errno == ENOENT) return std::nullopt;
  Content content;
  if (!file || ::fstat(file.get(), &content.status) != 0) return refused("open", path, errno);
  if (!S_ISREG(content.status.st_mode)) return problem(path.string() + " is not a regular file");
  content.text.resize(largest_file + 1);
  const auto count = read_whole(file.get(), std::as_writable_bytes(std::span(content.text)));
  if (count < 0) return refused("read", path, errno);
  const auto size = static_cast<std::size_t>(count);
  content.text.resize(size);
  if (size > largest_file || content.text.find('\0') != std::string::npos) {
    return problem(fmt::format("{} is not a list of libraries: it {}", path.string(),
                               size > largest_file ? "is too large" : "has NUL bytes"));
  }
  return content;
}

// A directory that no other ctgate changes at the same time. The lock goes with the descriptor, even after a crash.
Expected<FileDescriptor> lock_directory(const fs::path& path) {
  FileDescriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return refused("open directory", path, errno);
  while (::flock(directory.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return refused("lock directory", path, errno);
  }
  return directory;
}

// With the directory locked, so that one fixed name will do: what an interrupted run left there is overwritten.
Expected<void> replace(const fs::path& path, std::string_view text) {
  ReplaceOptions options{.mode = wanted_mode, .owner = {}, .suffix = ".ctgate-new"};
  if (::geteuid() == 0) options.owner = 0;  // also where the directory hands on its group
  if (const auto replaced = replace_file(path, text, options); !replaced) {
    return refused("write", path, replaced.error().error);
  }
  return {};
}

Expected<void> remove_file(const fs::path& path) {
  if (::unlink(path.c_str()) != 0) return refused("remove", path, errno);
  if (const int error = sync_directory(path.parent_path()); error != 0) {
    return refused("sync the directory of", path, error);
  }
  return {};
}

Expected<Change> done(const Expected<void>& result, Change change) {
  if (!result) return tl::unexpected(result.error());
  return change;
}

std::string mode_problem(const fs::path& file, const struct stat& status) {
  const auto mode = status.st_mode & 07777U;
  if (status.st_uid != 0) {
    return fmt::format("{} belongs to user {}, who can make every program load anything; chown root {}", file.string(),
                       status.st_uid, file.string());
  }
  if ((mode & 022U) != 0) {
    return fmt::format("{} is writable by users other than root (mode {:04o}); chmod 0644 {}", file.string(), mode,
                       file.string());
  }
  if ((mode & 0444U) != 0444U) {
    return fmt::format("{} is not readable by all (mode {:04o}), so other users' programs ignore it; chmod 0644 {}",
                       file.string(), mode, file.string());
  }
  return {};
}

std::optional<std::string> word_problem(const std::string& word, std::string_view lib_token) {
  if (word.starts_with('#')) {
    return "ld.so reads comments as names of libraries (glibc all comments but the first); remove the comments";
  }
  if (word.find('/') == std::string::npos) return std::nullopt;  // looked up where libraries are
  const std::string path = expand_lib_token(word, lib_token);
  if (::access(path.c_str(), F_OK) == 0 || path.find('$') != std::string::npos) return std::nullopt;
  return fmt::format("{} does not exist: every program prints an error", path);
}

// The file behind `file`, with its directory locked for as long as this lives.
struct LockedFile {
  fs::path path;
  FileDescriptor directory;
  std::optional<Content> content;  // nothing: there is no such file
};

Expected<LockedFile> lock_and_read(const fs::path& file) {
  auto path = real_path(file);
  if (!path) return tl::unexpected(path.error());
  auto directory = lock_directory(path->parent_path());
  if (!directory) return tl::unexpected(directory.error());
  auto content = read_content(*path);
  if (!content) return tl::unexpected(content.error());
  return LockedFile{std::move(*path), std::move(*directory), std::move(*content)};
}

}  // namespace

Expected<Change> enable_preload(const fs::path& file, std::string_view entry, const IsOurs& is_ours) {
  const auto locked = lock_and_read(file);
  if (!locked) return tl::unexpected(locked.error());
  const auto& content = locked->content;
  const std::string old = content ? content->text : std::string();
  const std::string text = with_entry(old, entry, is_ours);
  const auto words = preload_words(text);
  if (std::ranges::count(words, entry, &PreloadWord::text) != 1) {
    return problem(fmt::format("cannot add {} to {} so that ld.so finds it; comments in the file may be the reason: {}",
                               entry, locked->path.string(), "remove them and try again"));
  }
  if (content && text == old && (content->status.st_mode & 07777U) == wanted_mode) return Change::none;
  return done(replace(locked->path, text), Change::written);
}

Expected<Change> disable_preload(const fs::path& file, const IsOurs& is_ours) {
  const auto locked = lock_and_read(file);
  if (!locked) return tl::unexpected(locked.error());
  if (!locked->content) return Change::none;
  const std::string text = without_entries(locked->content->text, is_ours);
  if (text == locked->content->text) return Change::none;
  std::error_code ignored;
  if (text.empty() && !fs::is_symlink(fs::symlink_status(file, ignored))) {
    return done(remove_file(locked->path), Change::removed);
  }
  return done(replace(locked->path, text), Change::written);
}

Expected<PreloadStatus> preload_status(const fs::path& file, const IsOurs& is_ours, std::string_view lib_token) {
  const auto content = read_content(file);
  if (!content) return tl::unexpected(content.error());
  PreloadStatus status;
  status.exists = content->has_value();
  if (!status.exists) return status;
  if (auto text = mode_problem(file, (*content)->status); !text.empty()) status.problems.push_back(std::move(text));
  std::vector<std::string> seen;
  const auto add = [&](std::string text) {
    if (std::ranges::find(status.problems, text) == status.problems.end()) status.problems.push_back(std::move(text));
  };
  for (const auto& [offset, word] : preload_words((*content)->text)) {
    (is_ours(word) ? status.ours : status.foreign).push_back(word);
    if (std::ranges::find(seen, word) != seen.end()) add(fmt::format("{} is listed more than once", word));
    seen.push_back(word);
    if (auto text = word_problem(word, lib_token)) add(std::move(*text));
  }
  if (status.ours.size() > 1 && std::ranges::adjacent_find(status.ours, std::not_equal_to<>()) != status.ours.end()) {
    add("several entries are ctgate's library; `ctgate preload enable` keeps one");
  }
  return status;
}

}  // namespace ctgate::preload

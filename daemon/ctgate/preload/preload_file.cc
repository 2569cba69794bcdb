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
  std::size_t size = 0;
  while (size < content.text.size()) {
    const auto count = ::read(file.get(), content.text.data() + size, content.text.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return refused("read", path, errno);
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
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

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto count = ::write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

// The new file, complete and on disk.
bool prepare(int fd, std::string_view text) {
  if (::fchmod(fd, wanted_mode) != 0) return false;
  if (::geteuid() == 0 && ::fchown(fd, 0, 0) != 0) return false;  // also where the directory hands on its group
  return write_all(fd, text) && ::fsync(fd) == 0;
}

// With the directory locked, so that one fixed name will do: what an interrupted run left there is overwritten.
Expected<void> replace(const FileDescriptor& directory, const fs::path& path, std::string_view text) {
  const std::string temporary = path.filename().string() + ".ctgate-new";
  ::unlinkat(directory.get(), temporary.c_str(), 0);
  const FileDescriptor file(
      ::openat(directory.get(), temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return refused("write a temporary file next to", path, errno);
  if (!prepare(file.get(), text) ||
      ::renameat(directory.get(), temporary.c_str(), directory.get(), path.filename().c_str()) != 0) {
    const int error = errno;
    ::unlinkat(directory.get(), temporary.c_str(), 0);
    return refused("write", path, error);
  }
  if (::fsync(directory.get()) != 0) return refused("sync the directory of", path, errno);
  return {};
}

Expected<void> remove(const FileDescriptor& directory, const fs::path& path) {
  if (::unlinkat(directory.get(), path.filename().c_str(), 0) != 0) return refused("remove", path, errno);
  if (::fsync(directory.get()) != 0) return refused("sync the directory of", path, errno);
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

}  // namespace

Expected<Change> enable_preload(const fs::path& file, std::string_view entry, const IsOurs& is_ours) {
  const auto path = real_path(file);
  if (!path) return tl::unexpected(path.error());
  const auto directory = lock_directory(path->parent_path());
  if (!directory) return tl::unexpected(directory.error());
  const auto content = read_content(*path);
  if (!content) return tl::unexpected(content.error());
  const std::string old = *content ? (*content)->text : std::string();
  const std::string text = with_entry(old, entry, is_ours);
  const auto words = preload_words(text);
  if (std::ranges::count(words, entry, &PreloadWord::text) != 1) {
    return problem(fmt::format("cannot add {} to {} so that ld.so finds it; comments in the file may be the reason: {}",
                               entry, path->string(), "remove them and try again"));
  }
  if (*content && text == old && ((*content)->status.st_mode & 07777U) == wanted_mode) return Change::none;
  return done(replace(*directory, *path, text), Change::written);
}

Expected<Change> disable_preload(const fs::path& file, const IsOurs& is_ours) {
  const auto path = real_path(file);
  if (!path) return tl::unexpected(path.error());
  const auto directory = lock_directory(path->parent_path());
  if (!directory) return tl::unexpected(directory.error());
  const auto content = read_content(*path);
  if (!content) return tl::unexpected(content.error());
  if (!*content) return Change::none;
  const std::string text = without_entries((*content)->text, is_ours);
  if (text == (*content)->text) return Change::none;
  std::error_code ignored;
  if (text.empty() && !fs::is_symlink(fs::symlink_status(file, ignored))) {
    return done(remove(*directory, *path), Change::removed);
  }
  return done(replace(*directory, *path, text), Change::written);
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

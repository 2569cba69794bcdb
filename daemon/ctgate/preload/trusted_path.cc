// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/ctgate/preload/trusted_path.hh"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <deque>
#include <string>
#include <system_error>

namespace ctgate::preload {
namespace {

namespace fs = std::filesystem;

constexpr unsigned most_links = 40;  // as the kernel: MAXSYMLINKS

tl::unexpected<Error> distrust(std::string message) {
  return tl::unexpected(Error{ExitCode::problem, std::move(message)});
}

Expected<struct stat> status_of(const fs::path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0) return status;
  return distrust(fmt::format("{}: {}", path.string(), std::generic_category().message(errno)));
}

Expected<void> check(const fs::path& path, const struct stat& status) {
  if (status.st_uid != 0) {
    return distrust(
        fmt::format("{} belongs to user {}, not to root, so that user can replace the library; "
                    "chown root {}",
                    path.string(), status.st_uid, path.string()));
  }
  if (S_ISLNK(status.st_mode)) return {};  // its mode means nothing
  if (S_ISDIR(status.st_mode) && (status.st_mode & S_ISVTX) != 0) return {};
  const bool group_may = (status.st_mode & S_IWGRP) != 0 && status.st_gid != 0;
  if (!group_may && (status.st_mode & S_IWOTH) == 0) return {};
  return distrust(fmt::format("{} is writable by {} (mode {:04o}), so they can replace the library; chmod go-w {}",
                              path.string(), group_may ? fmt::format("group {}", status.st_gid) : "everybody",
                              status.st_mode & 07777U, path.string()));
}

// Puts the components of `path` in front of those that are still to go.
void push_front(std::deque<fs::path>& components, const fs::path& path) {
  const fs::path relative = path.relative_path();
  components.insert(components.begin(), relative.begin(), relative.end());
}

}  // namespace

Expected<void> only_root_can_replace(const fs::path& path) {
  if (!path.is_absolute()) return distrust(path.string() + " is not an absolute path");
  std::deque<fs::path> to_go;
  push_front(to_go, path);
  fs::path here = "/";
  unsigned links = 0;
  for (;;) {
    const auto status = status_of(here);
    if (!status) return tl::unexpected(status.error());
    if (auto fine = check(here, *status); !fine) return fine;
    if (S_ISLNK(status->st_mode)) {
      std::error_code failed;
      const fs::path target = fs::read_symlink(here, failed);
      if (failed || ++links > most_links) return distrust(fmt::format("cannot follow the link {}", here.string()));
      push_front(to_go, target);
      here = target.is_absolute() ? "/" : here.parent_path();
      continue;
    }
    while (!to_go.empty() && (to_go.front().empty() || to_go.front() == ".")) to_go.pop_front();
    if (to_go.empty()) {
      return S_ISREG(status->st_mode) ? Expected<void>() : distrust(here.string() + " is not a regular file");
    }
    // Links were followed already, so ".." is the directory above.
    here = to_go.front() == ".." ? here.parent_path() : here / to_go.front();
    to_go.pop_front();
  }
}

}  // namespace ctgate::preload

// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/base/find_program.hh"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>
#include <string>

namespace ctgate {
namespace {

namespace fs = std::filesystem;

std::string default_path() {
  std::string path(::confstr(_CS_PATH, nullptr, 0), '\0');
  if (path.empty()) return "/bin:/usr/bin";
  ::confstr(_CS_PATH, path.data(), path.size());
  path.pop_back();  // the NUL
  return path;
}

// access(2) alone says yes to a directory that may be entered.
bool executable(const fs::path& file) {
  struct stat status {};
  return ::stat(file.c_str(), &status) == 0 && S_ISREG(status.st_mode) && ::access(file.c_str(), X_OK) == 0;
}

std::optional<fs::path> search(std::string_view name, const std::string& directories) {
  if (name.empty()) return std::nullopt;
  if (name.find('/') != std::string_view::npos) return fs::path(name);
  std::istringstream words(directories + ':');  // so that an empty directory at the end counts too
  for (std::string directory; std::getline(words, directory, ':');) {
    auto candidate = fs::path(directory.empty() ? "." : directory) / name;
    if (executable(candidate)) return candidate;
  }
  return std::nullopt;
}

}  // namespace

std::optional<fs::path> find_program(std::string_view name, const char* path) {
  return search(name, path == nullptr ? default_path() : path);
}

std::optional<fs::path> find_program(std::string_view name) {
  const char* path = std::getenv("PATH");
  return search(name, (path == nullptr ? default_path() : path) + ":/usr/sbin:/sbin");
}

}  // namespace ctgate

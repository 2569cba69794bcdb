// SPDX-License-Identifier: GPL-2.0-or-later
#include "shim/resolver/read_file.hh"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace ctgate::resolver {
namespace {

constexpr std::size_t longest = std::size_t{1} << 20;

bool read_all(int fd, List<char>& text) {
  char piece[4096];
  for (;;) {
    const ssize_t size = read(fd, piece, sizeof piece);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return false;
    if (size == 0) return true;
    if (text.count + static_cast<std::size_t>(size) > longest) return false;
    if (!text.append(piece, static_cast<std::size_t>(size))) return false;
  }
}

}  // namespace

FileState read_file(const char* path, List<char>& text) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno == ENOENT ? FileState::missing : FileState::unreadable;
  const bool whole = read_all(fd, text);
  close(fd);
  return whole ? FileState::read : FileState::unreadable;
}

}  // namespace ctgate::resolver

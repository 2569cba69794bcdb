// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/base/io.hh"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace ctgate {

ssize_t read_whole(int fd, std::span<std::byte> buffer) {
  std::size_t size = 0;
  while (size < buffer.size()) {
    const auto count = ::read(fd, buffer.data() + size, buffer.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return -1;
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  return static_cast<ssize_t>(size);
}

bool write_whole(int fd, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return true;
}

std::string content_of(int fd, std::size_t most) {
  std::string text;
  std::array<char, 4096> buffer;
  while (text.size() < most) {
    const auto wanted = std::min(buffer.size(), most - text.size());
    const auto count = ::pread(fd, buffer.data(), wanted, static_cast<off_t>(text.size()));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return text;
}

}  // namespace ctgate

// SPDX-License-Identifier: GPL-2.0-or-later
// Reading and writing in full. EINTR is retried; errno says what failed.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace ctgate {

// Reads until `buffer` is full or the file ends. Returns the number of bytes, or -1.
[[nodiscard]] ssize_t read_whole(int fd, std::span<std::byte> buffer);

[[nodiscard]] bool write_whole(int fd, std::span<const std::byte> bytes);
[[nodiscard]] inline bool write_whole(int fd, std::string_view text) {
  return write_whole(fd, std::as_bytes(std::span(text)));
}

// The first `most` bytes of the file behind `fd`; the descriptor's position is not used. Ends early where reading
// fails.
[[nodiscard]] std::string content_of(int fd, std::size_t most = std::string::npos);

}  // namespace ctgate

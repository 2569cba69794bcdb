// SPDX-License-Identifier: GPL-2.0-or-later
// Reads many netlink messages with one system call.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <functional>
#include <vector>

struct nlmsghdr;

namespace ctgate::netlink {

class BatchReader {
 public:
  // Room for one message in bytes; a longer one is cut off and then skipped, since its length no longer holds.
  explicit BatchReader(std::size_t message_space);
  BatchReader(const BatchReader&) = delete;
  BatchReader& operator=(const BatchReader&) = delete;
  ~BatchReader() = default;

  enum class Status {
    drained,  // nothing is waiting
    more,     // a full batch was read, more may wait
    overrun,  // the socket's buffer was full and the kernel dropped messages (ENOBUFS); more may wait
  };
  // Reads at most one batch without blocking and calls `each` for every message.
  Status read(int fd, const std::function<void(const nlmsghdr&)>& each);

 private:
  static constexpr std::size_t batch = 64;
  std::vector<std::byte> space_;
  std::array<iovec, batch> vectors_;
  std::array<mmsghdr, batch> messages_;
};

}  // namespace ctgate::netlink

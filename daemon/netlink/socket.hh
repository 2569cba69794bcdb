// SPDX-License-Identifier: GPL-2.0-or-later
// A netlink socket of the netfilter family as a value with an owner. The rest of daemon/netlink talks to the kernel
// through it; nothing here decides anything.
#pragma once

#include <libmnl/libmnl.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "policy/base/error.hh"

namespace ctgate::netlink {

class Socket {
 public:
  // Opens and binds in the network namespace of the calling thread; close-on-exec. ExitCode::system on error.
  [[nodiscard]] static Expected<Socket> open();

  [[nodiscard]] int fd() const { return mnl_socket_get_fd(handle_.get()); }
  [[nodiscard]] std::uint32_t port_id() const { return mnl_socket_get_portid(handle_.get()); }

  // Sends bytes that hold one or more whole messages. Retries EINTR.
  [[nodiscard]] Expected<void> send(std::span<const std::byte> messages, std::string_view what) const;

  // Sends one message that asks for an acknowledgement and waits for it.
  [[nodiscard]] Expected<void> request(const nlmsghdr& message, std::string_view what) const;

  // The same with several messages, numbered from `first` to `last`: waits for the acknowledgement of the last one, or
  // for the first error.
  [[nodiscard]] Expected<void> request(std::span<const std::byte> messages, std::uint32_t first, std::uint32_t last,
                                       std::string_view what) const;

  // Receive buffer in bytes: asks for `bytes` with SO_RCVBUFFORCE (not clipped by net.core.rmem_max), else SO_RCVBUF,
  // and returns what the kernel really set (it doubles the value, socket(7)).
  std::size_t set_receive_buffer(std::size_t bytes) const;

 private:
  struct Close {
    void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
  };
  std::unique_ptr<mnl_socket, Close> handle_;
};

}  // namespace ctgate::netlink

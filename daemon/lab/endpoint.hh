// SPDX-License-Identifier: GPL-2.0-or-later
// Converts an endpoint to what the socket API takes, and back.
#pragma once

#include <sys/socket.h>

#include "policy/endpoint.hh"

namespace ctgate::lab {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

[[nodiscard]] SocketAddress to_socket_address(const Endpoint& endpoint);
[[nodiscard]] Endpoint to_endpoint(const sockaddr_storage& address);
[[nodiscard]] inline int socket_domain(Family family) {
  return family == Family::ipv4 ? AF_INET : AF_INET6;
}

// The address that stands for every interface: 0.0.0.0 or ::.
[[nodiscard]] inline Address any_address(Family family) {
  return Address{family, {}};
}

}  // namespace ctgate::lab

// SPDX-License-Identifier: GPL-2.0-or-later
// An address with a UDP port, and the way to the socket API and back.
#pragma once

#include <sys/socket.h>

#include <compare>
#include <cstdint>
#include <string>

#include "policy/address.hh"

namespace ctgate::lab {

struct Endpoint {
  Address address;
  std::uint16_t port = 0;  // host byte order
  auto operator<=>(const Endpoint&) const = default;

  [[nodiscard]] std::string to_string() const;  // "10.0.0.1:53", "[fd00::1]:53"
};

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

// The address that every interface has: 0.0.0.0 or ::.
[[nodiscard]] inline Address any_address(Family family) {
  return Address{family, {}};
}

}  // namespace ctgate::lab

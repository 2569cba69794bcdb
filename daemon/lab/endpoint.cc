// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/lab/endpoint.hh"

#include <netinet/in.h>

#include <cstring>

namespace ctgate::lab {

SocketAddress to_socket_address(const Endpoint& endpoint) {
  SocketAddress result;
  if (endpoint.address.family == Family::ipv4) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(endpoint.port);
    std::memcpy(&v4.sin_addr, endpoint.address.bytes.data(), sizeof(v4.sin_addr));
    result.size = sizeof(v4);
    std::memcpy(&result.storage, &v4, sizeof(v4));
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(endpoint.port);
    std::memcpy(&v6.sin6_addr, endpoint.address.bytes.data(), sizeof(v6.sin6_addr));
    result.size = sizeof(v6);
    std::memcpy(&result.storage, &v6, sizeof(v6));
  }
  return result;
}

Endpoint to_endpoint(const sockaddr_storage& address) {
  Endpoint result;
  if (address.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address, sizeof(v4));
    std::memcpy(result.address.bytes.data(), &v4.sin_addr, sizeof(v4.sin_addr));
    result.port = ntohs(v4.sin_port);
  } else {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &address, sizeof(v6));
    result.address.family = Family::ipv6;
    std::memcpy(result.address.bytes.data(), &v6.sin6_addr, sizeof(v6.sin6_addr));
    result.port = ntohs(v6.sin6_port);
  }
  return result;
}

}  // namespace ctgate::lab

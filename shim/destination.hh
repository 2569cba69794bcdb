// SPDX-License-Identifier: GPL-2.0-or-later
// Where a datagram goes, from the forms in which programs state it. Pure.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <cstring>

#include "policy/image/image.hh"

namespace ctgate::shim {

using image::Destination;

// Strong enough to key a table by its result alone; the finaliser of MurmurHash3.
inline std::uint64_t mix(std::uint64_t value) {
  value ^= value >> 33U;
  value *= 0xff51afd7ed558ccdULL;
  value ^= value >> 33U;
  value *= 0xc4ceb9fe1a85ec53ULL;
  return value ^ (value >> 33U);
}

// Fingerprint of an Internet address as a program passes it, cheap enough for every send. 0: not an Internet address
// (or too short for one), so not ours to gate. Never `connected_fingerprint`.
inline constexpr std::uint32_t connected_fingerprint = 1;  // stands for the peer of a connected socket
inline std::uint32_t fingerprint(const void* name, socklen_t length) {
  const auto* bytes = static_cast<const unsigned char*>(name);
  sa_family_t family = AF_UNSPEC;
  if (length < sizeof(sockaddr_in)) return 0;
  std::memcpy(&family, bytes, sizeof family);
  std::uint64_t low = 0, high = 0;
  if (family == AF_INET) {
    std::memcpy(&low, bytes, 8);                    // family, port, address
  } else if (family == AF_INET6 && length >= 24) {  // without sin6_scope_id, as RFC 2133 had it
    std::uint16_t port = 0;
    std::memcpy(&low, bytes + offsetof(sockaddr_in6, sin6_addr), 8);
    std::memcpy(&high, bytes + offsetof(sockaddr_in6, sin6_addr) + 8, 8);
    std::memcpy(&port, bytes + offsetof(sockaddr_in6, sin6_port), sizeof port);
    low = low * 0xc2b2ae3d27d4eb4fULL + port;
  } else {
    return 0;
  }
  return static_cast<std::uint32_t>((low ^ high) * 0x9e3779b97f4a7c15ULL >> 32U) | 2U;
}

// False: not an Internet address. A v4-mapped address becomes the IPv4 one that it stands for.
bool read_destination(const void* name, socklen_t length, Destination& destination);

// Whether the flow is never gated: its destination is one of policy/exempt.hh, or it has no port.
bool is_exempt(const Destination& destination);

// Key of the flow from one socket to one destination; never 0.
std::uint64_t flow_key(std::uint32_t socket, const Destination& destination);

}  // namespace ctgate::shim

// SPDX-License-Identifier: GPL-2.0-or-later
#include "shim/destination.hh"

#include <bit>
#include <utility>

#include "policy/exempt.hh"

namespace ctgate::shim {
namespace {

using Words = std::array<std::uint64_t, 2>;  // an address, to be compared in one go

// Entries are template arguments, so that each becomes a few instructions with constants, and no table is left.
template <std::size_t Entry>
bool is_in(std::uint8_t family, const Words& address) {
  constexpr const Cidr& prefix = exempt_destinations[Entry].prefix;
  constexpr auto network = std::bit_cast<Words>(prefix.network.bytes);
  constexpr auto mask = std::bit_cast<Words>(prefix_mask(prefix.length));
  return family == static_cast<std::uint8_t>(prefix.network.family) && (address[0] & mask[0]) == network[0] &&
         (address[1] & mask[1]) == network[1];
}

template <std::size_t... Entries>
bool is_in_any(std::uint8_t family, const Words& address, std::index_sequence<Entries...>) {
  return (is_in<Entries>(family, address) || ...);
}

}  // namespace

bool read_destination(const void* name, socklen_t length, Destination& destination) {
  if (length < sizeof(sockaddr_in)) return false;
  const auto* bytes = static_cast<const unsigned char*>(name);
  sa_family_t family = AF_UNSPEC;
  std::uint16_t port = 0;
  std::memcpy(&family, bytes, sizeof family);
  std::memcpy(&port, bytes + offsetof(sockaddr_in, sin_port), sizeof port);  // at the same place in sockaddr_in6
  destination = {};
  destination.port = ntohs(port);
  if (family == AF_INET) {
    destination.family = 4;
    std::memcpy(destination.address, bytes + offsetof(sockaddr_in, sin_addr), 4);
    return true;
  }
  if (family != AF_INET6 || length < 24) return false;
  in6_addr address{};
  std::memcpy(&address, bytes + offsetof(sockaddr_in6, sin6_addr), sizeof address);
  if (IN6_IS_ADDR_V4MAPPED(&address)) {
    destination.family = 4;
    std::memcpy(destination.address, address.s6_addr + 12, 4);
  } else {
    destination.family = 6;
    std::memcpy(destination.address, &address, 16);
  }
  return true;
}

bool is_exempt(const Destination& destination) {
  if (destination.port == 0) return true;  // an error, and the kernel's to give
  Words address{};
  std::memcpy(&address, destination.address, sizeof address);
  return is_in_any(destination.family, address, std::make_index_sequence<exempt_destinations.size()>());
}

std::uint64_t flow_key(std::uint32_t socket, const Destination& destination) {
  std::uint64_t halves[2];
  std::memcpy(halves, destination.address, sizeof halves);
  std::uint64_t key = mix((static_cast<std::uint64_t>(socket) << 32U) + destination.port +
                          (static_cast<std::uint64_t>(destination.family) << 16U));
  key = mix(key ^ halves[0]);
  key = mix(key + halves[1]);
  return key == 0 ? 1 : key;
}

}  // namespace ctgate::shim

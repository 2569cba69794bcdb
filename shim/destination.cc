// SPDX-License-Identifier: GPL-2.0-or-later
#include "shim/destination.hh"

namespace ctgate::shim {
namespace {

bool all_zero(const std::uint8_t* bytes, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    if (bytes[i] != 0) return false;
  }
  return true;
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
  const std::uint8_t* address = destination.address;
  if (destination.port == 0) return true;
  if (destination.family == 4) {
    const bool broadcast = address[0] == 255 && address[1] == 255 && address[2] == 255 && address[3] == 255;
    const bool multicast = (address[0] & 0xf0U) == 0xe0U;
    return address[0] == 127 || multicast || broadcast || all_zero(address, 4);
  }
  const bool multicast = address[0] == 0xff;
  const bool loopback_or_any = all_zero(address, 15) && address[15] <= 1;
  return multicast || loopback_or_any;
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

// SPDX-License-Identifier: GPL-2.0-or-later
// The header parser against any bytes: what it returns is in the datagram, and a datagram that is cut off gives the
// same flow or none. Corpus: corpus/udp_header.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "daemon/netlink/udp_header.hh"

namespace {

using ctgate::Address;
using ctgate::Family;
using ctgate::FlowKey;
using ctgate::netlink::parse_udp_flow;

void require(bool condition) {
  if (!condition) std::abort();
}

bool stands_at(std::span<const std::uint8_t> packet, std::size_t offset, const Address& address) {
  const std::size_t length = address.family == Family::ipv4 ? 4 : 16;
  return std::ranges::equal(packet.subspan(offset, length), std::span(address.bytes).first(length));
}

void check(std::span<const std::uint8_t> packet, const FlowKey& flow) {
  const bool ipv4 = flow.family() == Family::ipv4;
  require(packet.size() >= (ipv4 ? 28U : 48U));
  require(packet[0] >> 4 == (ipv4 ? 4 : 6));
  require(flow.source.family == flow.destination.family);
  require(stands_at(packet, ipv4 ? 12 : 8, flow.source));
  require(stands_at(packet, ipv4 ? 16 : 24, flow.destination));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span packet(data, size);
  const auto flow = parse_udp_flow(std::as_bytes(packet));
  if (flow) check(packet, *flow);
  for (std::size_t length = std::min<std::size_t>(size, 128); length-- > 0;) {
    // A copy of its own, so that the sanitizer sees a read beyond the end.
    const std::vector<std::uint8_t> cut(data, data + length);
    const auto shorter = parse_udp_flow(std::as_bytes(std::span(cut)));
    require(!shorter || (flow && *shorter == *flow));
  }
  return 0;
}

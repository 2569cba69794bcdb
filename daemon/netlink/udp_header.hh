// SPDX-License-Identifier: GPL-2.0-or-later
// Reads the flow out of the first bytes of an IP datagram. The bytes are untrusted.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "daemon/gate/flow_key.hh"

namespace ctgate::netlink {

// `packet` starts at the IP header (NFQA_PAYLOAD) and may be cut off after any byte. Follows RFC 791 and RFC 8200:
// IPv4 options, IPv6 extension headers (hop-by-hop, routing, destination options, first fragment, authentication
// header). Empty for what is not UDP, for later fragments, and for headers that contradict themselves or end early.
// Lengths are believed only as far as `packet` reaches; the payload is never looked at.
[[nodiscard]] std::optional<FlowKey> parse_udp_flow(std::span<const std::byte> packet);

}  // namespace ctgate::netlink

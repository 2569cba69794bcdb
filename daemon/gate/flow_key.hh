// SPDX-License-Identifier: GPL-2.0-or-later
// A flow: the UDP 5-tuple before NAT, with its family.
#pragma once

#include <array>
#include <compare>
#include <cstdint>

#include "policy/address.hh"

namespace ctgate {

// As the first hooks of PREROUTING or OUTPUT see it. Ports in host byte order.
//
// The conntrack zone is not part of it: a queued datagram has no conntrack entry yet, and NFQUEUE does not carry the
// template's zone. So the rules leave flows with a template alone.
struct FlowKey {
  Address source;
  Address destination;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  auto operator<=>(const FlowKey&) const = default;

  [[nodiscard]] Family family() const { return source.family; }
};

}  // namespace ctgate

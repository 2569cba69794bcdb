// SPDX-License-Identifier: GPL-2.0-or-later
// The destinations that are never gated, whatever the policy says: one list for match(), for the rules and for the
// preload library, which needs it without anything at run time.
#pragma once

#include <array>
#include <cstdint>

#include "policy/address.hh"

namespace ctgate {

enum class Exemption : std::uint8_t {
  loopback,   // does not leave this host
  multicast,  // answers come from other addresses, so for conntrack they are never part of the flow
  broadcast,  // the same; a subnet's own broadcast address is known to the kernel only
  // This host, in a socket call. No packet has it: the kernel sends to one of its own addresses instead
  // (ip_route_output_key_hash_rcu(), udpv6_sendmsg()).
  unspecified,
};

struct ExemptDestination {
  Cidr prefix;
  Exemption why;
};

// No two overlap.
inline constexpr std::array<ExemptDestination, 7> exempt_destinations{{
    {{{Family::ipv4, {127}}, 8}, Exemption::loopback},
    {{{Family::ipv6, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}, 128}, Exemption::loopback},
    {{{Family::ipv4, {224}}, 4}, Exemption::multicast},
    {{{Family::ipv6, {0xff}}, 8}, Exemption::multicast},
    {{{Family::ipv4, {255, 255, 255, 255}}, 32}, Exemption::broadcast},
    {{{Family::ipv4, {}}, 32}, Exemption::unspecified},
    {{{Family::ipv6, {}}, 128}, Exemption::unspecified},
}};

}  // namespace ctgate

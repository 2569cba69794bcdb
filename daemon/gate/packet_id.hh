// SPDX-License-Identifier: GPL-2.0-or-later
// Identity of a datagram that waits in a kernel queue.
#pragma once

#include <cstdint>

namespace ctgate {

// The kernel counts them per queue, in the order of arrival, and wraps at 2^32 (net/netfilter/nfnetlink_queue.c,
// id_sequence); so they compare by serial number (RFC 1982): valid while less than 2^31 are outstanding.
struct PacketId {
  std::uint32_t value = 0;
  bool operator==(const PacketId&) const = default;
  [[nodiscard]] bool before(PacketId other) const { return static_cast<std::int32_t>(value - other.value) < 0; }
};

struct PacketIdOrder {
  bool operator()(PacketId a, PacketId b) const { return a.before(b); }
};

}  // namespace ctgate

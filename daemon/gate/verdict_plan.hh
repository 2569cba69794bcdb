// SPDX-License-Identifier: GPL-2.0-or-later
// How a set of released datagrams becomes verdict messages.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "daemon/gate/flow_gate.hh"
#include "daemon/gate/packet_id.hh"

namespace ctgate {

// To be written in this order.
struct VerdictPlan {
  // One NFQNL_MSG_VERDICT each: those that were promoted. The kernel answers to each one that is gone.
  std::vector<PacketId> accept_first;
  // One NFQNL_MSG_VERDICT_BATCH that accepts every datagram up to and including this one. It covers *all* of them,
  // whoever they belong to (nfqnl_recv_verdict_batch), so nothing at or below it may be held.
  std::optional<PacketId> accept_up_to;
  // One NFQNL_MSG_VERDICT each.
  std::vector<PacketId> accept;

  [[nodiscard]] bool empty() const { return !accept_up_to && accept.empty() && accept_first.empty(); }
};

// `released`: all datagrams that were read and neither accepted nor held. `oldest_held`: the oldest one that stays.
// Replaces the contents of `plan`, whose memory is kept.
void plan_verdicts(std::span<const ReleasedPacket> released, std::optional<PacketId> oldest_held, VerdictPlan& plan);

}  // namespace ctgate

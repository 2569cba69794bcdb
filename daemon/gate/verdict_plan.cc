// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/gate/verdict_plan.hh"

namespace ctgate {

void plan_verdicts(std::span<const ReleasedPacket> released, std::optional<PacketId> oldest_held, VerdictPlan& plan) {
  plan.accept_up_to.reset();
  plan.accept.clear();
  plan.accept_first.clear();
  std::size_t below = 0;  // how many a batch would cover
  PacketId newest_below;
  for (const auto& packet : released) {
    if (packet.promoted) plan.accept_first.push_back(packet.id);
    if (packet.promoted) continue;
    if (oldest_held && !packet.id.before(*oldest_held)) continue;
    if (below == 0 || newest_below.before(packet.id)) newest_below = packet.id;
    ++below;
  }
  const bool batch = below > 1;
  if (batch) plan.accept_up_to = newest_below;
  for (const auto& packet : released) {
    if (packet.promoted || (batch && !newest_below.before(packet.id))) continue;
    plan.accept.push_back(packet.id);
  }
}

}  // namespace ctgate

// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/rules/queue_plan.hh"

namespace ctgate::rules {

QueuePlan plan_queues(const Policy& policy) {
  QueuePlan plan;
  const std::uint32_t end = std::uint32_t{policy.daemon.queue} + policy.daemon.queues;
  for (std::uint32_t number = policy.daemon.queue; number < end; ++number) {
    plan.confirmed.push_back(static_cast<std::uint16_t>(number));
  }
  if (policy.waits_for_replies()) plan.replied = static_cast<std::uint16_t>(end);
  return plan;
}

}  // namespace ctgate::rules

// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/ctgated/keeper/lane_plan.hh"

#include <fmt/format.h>

#include <algorithm>

namespace ctgate::daemon {

Expected<LanePlan> plan_lanes(const rules::QueuePlan& wanted, const std::vector<LaneName>& open) {
  std::vector<LaneName> all;
  for (const auto number : wanted.confirmed) all.push_back({number, Release::confirmed});
  if (wanted.replied) all.push_back({*wanted.replied, Release::replied});

  LanePlan plan;
  for (const auto& lane : all) {
    const auto same = std::ranges::find(open, lane.queue, &LaneName::queue);
    if (same == open.end()) {
      plan.open.push_back(lane);
    } else if (*same != lane) {
      return usage_error(fmt::format(
          "queue {} would change between confirmed and replied flows; together with a rule that has "
          "release = \"replied\", a change of daemon.queue or daemon.queues takes effect only after a restart",
          lane.queue));
    }
  }
  std::ranges::copy_if(open, std::back_inserter(plan.close),
                       [&](const LaneName& lane) { return std::ranges::find(all, lane) == all.end(); });
  return plan;
}

netlink::QueueSettings queue_settings(const GateLimits& limits) {
  netlink::QueueSettings settings;
  // Half of the queue stays for what is on its way.
  settings.length = std::max<std::uint32_t>(settings.length, limits.held_total * 2 + 1024);
  return settings;
}

}  // namespace ctgate::daemon

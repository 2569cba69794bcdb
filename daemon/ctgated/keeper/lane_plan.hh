// SPDX-License-Identifier: GPL-2.0-or-later
// Which lanes a policy needs, compared with those that are open. Pure.
#pragma once

#include <compare>
#include <cstdint>
#include <vector>

#include "daemon/netlink/queue.hh"
#include "daemon/rules/queue_plan.hh"
#include "policy/policy.hh"

namespace ctgate::daemon {

// A queue's number, and what its worker waits for.
struct LaneName {
  std::uint16_t queue = 0;
  Release release = Release::confirmed;

  auto operator<=>(const LaneName&) const = default;
};

struct LanePlan {
  std::vector<LaneName> open;   // missing
  std::vector<LaneName> close;  // not needed any more
};

// An error (ExitCode::usage) if an open lane would have to wait for something else: its socket is subscribed to other
// events.
[[nodiscard]] Expected<LanePlan> plan_lanes(const rules::QueuePlan& wanted, const std::vector<LaneName>& open);

// Limits of the queues of a policy: what may be held must never fill one.
[[nodiscard]] netlink::QueueSettings queue_settings(const GateLimits& limits);

}  // namespace ctgate::daemon

// SPDX-License-Identifier: GPL-2.0-or-later
// Which queue numbers a policy needs, and what each one waits for.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "policy/policy.hh"

namespace ctgate::rules {

// A queue has one worker, and a worker waits for one thing, so flows that wait for an answer have their own queue.
struct QueuePlan {
  std::vector<std::uint16_t> confirmed;  // daemon.queue .. daemon.queue + daemon.queues - 1, by hash of the flow
  std::optional<std::uint16_t> replied;  // the number after those, where a rule says release = "replied"
};

[[nodiscard]] QueuePlan plan_queues(const Policy& policy);

}  // namespace ctgate::rules

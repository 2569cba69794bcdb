// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/ctgated/keeper/check.hh"

#include "daemon/ctgated/worker/worker.hh"
#include "daemon/netlink/queue_owner.hh"
#include "daemon/rules/queue_plan.hh"
#include "daemon/rules/rule_set.hh"

namespace ctgate::daemon {
namespace {

Expected<void> check_queues(const Policy& policy) {
  const auto plan = rules::plan_queues(policy);
  auto numbers = plan.confirmed;
  if (plan.replied) numbers.push_back(*plan.replied);
  for (const auto number : numbers) {
    const auto owner = netlink::find_queue_owner(number);
    // The name of workers begins with that of keepers.
    if (owner && !owner->name.starts_with(keeper_process_name)) return netlink::queue_taken(number, *owner);
  }
  return {};
}

}  // namespace

Expected<rules::Backend> check_system(const Policy& policy) {
  if (auto free = check_queues(policy); !free) return tl::unexpected(free.error());
  const auto chosen = rules::choose_rule_set(policy.daemon.backend, policy);
  if (!chosen) return tl::unexpected(chosen.error());
  return (*chosen)->backend();
}

}  // namespace ctgate::daemon

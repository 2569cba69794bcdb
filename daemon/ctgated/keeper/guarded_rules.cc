// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/ctgated/keeper/guarded_rules.hh"

#include <fcntl.h>
#include <spdlog/spdlog.h>

#include <cerrno>
#include <chrono>

namespace ctgate::daemon {

GuardedRules::GuardedRules(asio::io_context& context, std::unique_ptr<rules::RuleSet> rules)
    : rules_(std::move(rules)), descriptor_(context), alarm_(context, [this] { compare(); }) {}

void GuardedRules::listen() {
  if (auto subscribed = subscribe(); !subscribed) {
    spdlog::warn("{}; rules that are removed will not be restored", subscribed.error().message);
  }
}

Expected<void> GuardedRules::subscribe() {
  auto events = netlink::RulesetEvents::subscribe();
  if (!events) return tl::unexpected(events.error());
  const int copy = fcntl(events->fd(), F_DUPFD_CLOEXEC, 3);
  if (copy < 0) return errno_error("listen for changes of the rules", errno);
  descriptor_.assign(copy);
  events_ = std::move(*events);
  wait_for_changes();
  return {};
}

Expected<void> GuardedRules::install(const Policy& policy) {
  auto installed = rules_->install(policy);
  if (installed) policy_ = policy;
  return installed;
}

Expected<void> GuardedRules::replace(std::unique_ptr<rules::RuleSet> rules, const Policy& policy) {
  if (auto installed = rules->install(policy); !installed) return installed;
  rules_ = std::move(rules);
  policy_ = policy;
  return {};
}

Expected<void> GuardedRules::withdraw() {
  withdrawn_ = true;
  return rules_->withdraw();
}

void GuardedRules::wait_for_changes() {
  descriptor_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const asio::error_code& error) {
    if (error) return;
    guard_.changed(std::chrono::steady_clock::now());
    alarm_.set(guard_.next_comparison());
  });
}

void GuardedRules::compare() {
  if (withdrawn_) return;
  events_->discard();
  guard_.compared(compare_and_restore(), std::chrono::steady_clock::now());
  if (!guard_.next_comparison()) return wait_for_changes();
  alarm_.set(guard_.next_comparison());
}

RuleGuard::Found GuardedRules::compare_and_restore() {
  const auto state = rules_->state();
  if (state == rules::RuleState::intact) return RuleGuard::Found::intact;
  if (auto restored = rules_->install(policy_); !restored) {
    spdlog::error("rules were modified by another program and could not be restored: {}", restored.error().message);
    return RuleGuard::Found::lost;
  }
  if (state == rules::RuleState::unknown) {
    // If they are uncertain again, whoever is the cause has caused an event too, and there is another comparison.
    spdlog::debug("other programs changed rules while ours were installed; installed again");
    return RuleGuard::Found::intact;
  }
  spdlog::warn("rules were modified by another program; restored");
  return RuleGuard::Found::restored;
}

}  // namespace ctgate::daemon

// SPDX-License-Identifier: GPL-2.0-or-later
// The installed rules, and what keeps them there: changes by other programs are noticed and the rules restored, when
// RuleGuard says so.
#pragma once

#include <asio.hpp>
#include <memory>
#include <optional>

#include "daemon/ctgated/keeper/alarm.hh"
#include "daemon/ctgated/keeper/rule_guard.hh"
#include "daemon/netlink/ruleset_events.hh"
#include "daemon/rules/rule_set.hh"

namespace ctgate::daemon {

class GuardedRules {
 public:
  // Nothing is installed yet. The loop runs the guard.
  GuardedRules(asio::io_context& context, std::unique_ptr<rules::RuleSet> rules);

  // Listens for changes from now on. To be called once, before install(); a failure is logged, and rules that other
  // programs remove are then not restored.
  void listen();
  // All or nothing, as RuleSet::install(). From then on the rules of `policy` are what is restored.
  [[nodiscard]] Expected<void> install(const Policy& policy);
  // The same with another rule set in place of this one, which must have the same backend. On an error this one stays.
  [[nodiscard]] Expected<void> replace(std::unique_ptr<rules::RuleSet> rules, const Policy& policy);
  // As RuleSet::withdraw(); nothing is restored after that.
  [[nodiscard]] Expected<void> withdraw();

  [[nodiscard]] rules::Backend backend() const { return rules_->backend(); }
  [[nodiscard]] rules::RuleSetFigures figures() const { return rules_->figures(); }
  [[nodiscard]] std::uint64_t restored_total() const { return guard_.restored_total(); }

 private:
  [[nodiscard]] Expected<void> subscribe();
  void wait_for_changes();
  void compare();
  [[nodiscard]] RuleGuard::Found compare_and_restore();

  std::unique_ptr<rules::RuleSet> rules_;
  Policy policy_;
  bool withdrawn_ = false;
  std::optional<netlink::RulesetEvents> events_;
  asio::posix::stream_descriptor descriptor_;  // a copy of that of events_, for the loop
  RuleGuard guard_;
  Alarm alarm_;
};

}  // namespace ctgate::daemon

// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

#include "daemon/rules/rule_set.hh"

namespace ctgate::rules {

// The raw table, through iptables-restore(8) and ip6tables-restore(8), which wait for the xtables lock.
class IptablesRuleSet final : public RuleSet {
 public:
  [[nodiscard]] static Expected<std::unique_ptr<IptablesRuleSet>> probe(const Policy& policy);

  [[nodiscard]] Backend backend() const override { return Backend::iptables; }
  [[nodiscard]] Expected<void> install(const Policy& policy) override;
  [[nodiscard]] Expected<void> withdraw() override;
  [[nodiscard]] RuleState state() override;

 private:
  std::vector<Family> families_;
  std::string installed_;
};

// Removes the chains of both families where they exist; the names of the families in which they did.
[[nodiscard]] Expected<std::vector<std::string>> remove_iptables_chains();

}  // namespace ctgate::rules

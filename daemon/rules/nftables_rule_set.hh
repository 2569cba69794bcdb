// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemon/rules/nft.hh"
#include "daemon/rules/render_nftables.hh"
#include "daemon/rules/rule_set.hh"

namespace ctgate::rules {

// Both nftables backends: they differ only in how a queue chain gets its statement.
class NftablesRuleSet final : public RuleSet {
 public:
  // Asks the kernel, without changing anything, whether it takes the rules of `policy` with this backend.
  [[nodiscard]] static Expected<std::unique_ptr<NftablesRuleSet>> probe(Backend backend, const Policy& policy);

  [[nodiscard]] Backend backend() const override { return options_.backend; }
  [[nodiscard]] Expected<void> install(const Policy& policy) override;
  [[nodiscard]] Expected<void> withdraw() override;
  [[nodiscard]] RuleState state() override;
  [[nodiscard]] RuleSetFigures figures() override;

 private:
  explicit NftablesRuleSet(const RenderOptions& options) : options_(options) {}
  // The number of transactions that it took.
  [[nodiscard]] Expected<std::uint32_t> install_queue_chains(const Policy& policy);
  [[nodiscard]] Expected<std::uint32_t> install_rules(const Policy& policy);
  [[nodiscard]] std::string listing();

  Nft nft_;
  RenderOptions options_;
  std::vector<Family> families_;
  // How the kernel lists what was installed last; empty where that is not certain.
  std::optional<std::string> installed_;
};

// The tables of this name that exist.
[[nodiscard]] std::vector<Family> existing_tables(Nft& nft);

}  // namespace ctgate::rules

// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

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
  [[nodiscard]] bool intact() override;

 private:
  explicit NftablesRuleSet(const RenderOptions& options) : options_(options) {}
  [[nodiscard]] Expected<void> install_queue_chains(const Policy& policy);
  [[nodiscard]] std::string listing();

  Nft nft_;
  RenderOptions options_;
  std::vector<Family> families_;
  std::string installed_;  // the kernel's own listing after the last install()
};

// The tables of this name that exist.
[[nodiscard]] std::vector<Family> existing_tables(Nft& nft);

}  // namespace ctgate::rules

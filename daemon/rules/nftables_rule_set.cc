// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/rules/nftables_rule_set.hh"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "daemon/netlink/ruleset_generation.hh"
#include "daemon/netlink/set_elements.hh"
#include "daemon/rules/xt_queue.hh"

namespace ctgate::rules {
namespace {

// A kernel or namespace without IPv6 (ipv6.disable=1) is served with IPv4 alone.
std::vector<Family> usable_families(Nft& nft) {
  std::vector<Family> families;
  for (const Family family : both_families) {
    if (nft.check(fmt::format("add table {} {}\n", family_word(family), table_name))) families.push_back(family);
  }
  return families;
}

// Packets of a named counter.
std::optional<std::uint64_t> read_counter(Nft& nft, Family family, std::string_view name) {
  const auto listed = nft.run_json(fmt::format("list counter {} {} {}\n", family_word(family), table_name, name));
  if (!listed) return std::nullopt;
  const auto json = nlohmann::json::parse(*listed, nullptr, false);
  if (json.is_discarded() || !json.contains("nftables")) return std::nullopt;
  for (const auto& object : json["nftables"]) {
    if (object.contains("counter")) return object["counter"].value("packets", std::uint64_t{0});
  }
  return std::nullopt;
}

void add(std::optional<std::uint64_t>& sum, std::optional<std::uint64_t> value) {
  if (value) sum = sum.value_or(0) + *value;
}

}  // namespace

std::chrono::seconds confirmed_timeout() {
  constexpr std::chrono::seconds usual = RenderOptions{}.confirmed_timeout;
  std::ifstream file("/proc/sys/net/netfilter/nf_conntrack_udp_timeout");
  long seconds = 0;
  if (!(file >> seconds)) return usual;
  return std::clamp(std::chrono::seconds(seconds * 2 / 3), std::chrono::seconds(1), usual);
}

std::vector<Family> existing_tables(Nft& nft) {
  std::vector<Family> found;
  for (const Family family : both_families) {
    if (nft.run(fmt::format("list table {} {}\n", family_word(family), table_name))) found.push_back(family);
  }
  return found;
}

Expected<std::unique_ptr<NftablesRuleSet>> NftablesRuleSet::probe(Backend backend, const Policy& policy) {
  if (auto supported = Nft::supported(); !supported) return tl::unexpected(supported.error());
  std::unique_ptr<NftablesRuleSet> rules(new NftablesRuleSet({backend, confirmed_timeout()}));
  rules->families_ = usable_families(rules->nft_);
  if (rules->families_.empty()) return system_error("the kernel has no nf_tables, or this process may not use it");
  if (backend == Backend::nftables_xt) {
    for (const Family family : rules->families_) {
      if (auto offered = probe_xt_queue(family); !offered) return tl::unexpected(offered.error());
    }
  }
  const auto commands = render_probe(policy, rules->options_, rules->families_);
  if (auto taken = rules->nft_.check(commands); !taken) return tl::unexpected(taken.error());
  return rules;
}

Expected<std::uint32_t> NftablesRuleSet::install_queue_chains(const Policy& policy) {
  std::uint32_t transactions = 0;
  const QueuePlan plan = plan_queues(policy);
  auto numbers = plan.confirmed;
  if (plan.replied) numbers.push_back(*plan.replied);
  for (const Family family : families_) {
    for (const auto number : numbers) {
      auto set = set_xt_queue_chain(family, std::string(table_name), queue_chain(number), number);
      if (!set) return tl::unexpected(set.error());
      ++transactions;
    }
  }
  return transactions;
}

Expected<std::uint32_t> NftablesRuleSet::install_rules(const Policy& policy) {
  std::uint32_t transactions = 1;
  if (options_.backend == Backend::nftables_xt) {
    auto queue_chains = install_queue_chains(policy);
    if (!queue_chains) return queue_chains;
    transactions += *queue_chains;
  }
  const auto installed = nft_.run(render_install(policy, options_, families_));
  if (!installed) return tl::unexpected(installed.error());
  return transactions;
}

Expected<void> NftablesRuleSet::install(const Policy& policy) {
  constexpr int tries = 3;
  const auto before = existing_tables(nft_);
  installed_.reset();
  // What the kernel lists is what was rendered only if nobody else changed anything meanwhile. Without that certainty
  // there is nothing to compare with later.
  for (int i = 0; i < tries && !installed_; ++i) {
    const auto generation = netlink::ruleset_generation();
    const auto transactions = install_rules(policy);
    if (!transactions && i > 0) return {};  // they are installed; what is missing is the certainty
    if (!transactions) {
      // Base chains come with the last transaction only, so a table that is new here has none, and deleting it
      // unregisters no hook.
      for (const Family family : existing_tables(nft_)) {
        if (std::ranges::find(before, family) != before.end()) continue;
        (void)nft_.run(fmt::format("delete table {} {}\n", family_word(family), table_name));
      }
      return tl::unexpected(transactions.error());
    }
    auto text = listing();
    if (!generation || netlink::ruleset_generation() == *generation + *transactions) installed_ = std::move(text);
  }
  return {};
}

Expected<void> NftablesRuleSet::withdraw() {
  installed_.reset();
  const auto tables = existing_tables(nft_);
  auto emptied = nft_.run(render_withdraw(tables));
  if (!emptied) return tl::unexpected(emptied.error());
  return {};
}

RuleState NftablesRuleSet::state() {
  if (!installed_) return RuleState::unknown;
  return listing() == *installed_ ? RuleState::intact : RuleState::modified;
}

RuleSetFigures NftablesRuleSet::figures() {
  RuleSetFigures figures;
  for (const Family family : families_) {
    add(figures.ungated_full, read_counter(nft_, family, ungated_counters[0]));
    add(figures.ungated_source, read_counter(nft_, family, ungated_counters[1]));
    for (const auto name : set_names()) {
      const auto count = netlink::count_set_elements(family, std::string(table_name), std::string(name));
      if (count) figures.sets.push_back({std::string(name), family, *count, set_size});
    }
  }
  return figures;
}

std::string NftablesRuleSet::listing() {
  std::string text;
  for (const Family family : families_) {
    text += nft_.run(fmt::format("list table {} {}\n", family_word(family), table_name)).value_or("");
  }
  return text;
}

}  // namespace ctgate::rules

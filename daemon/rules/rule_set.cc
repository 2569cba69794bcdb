// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/rules/rule_set.hh"

#include <fmt/format.h>

#include "daemon/netlink/queue_owner.hh"
#include "daemon/rules/iptables_rule_set.hh"
#include "daemon/rules/nftables_rule_set.hh"
#include "daemon/rules/render_iptables.hh"

namespace ctgate::rules {
namespace {

// In the order of preference.
std::vector<Backend> candidates(BackendSetting setting) {
  std::vector<Backend> backends;
  if (setting != BackendSetting::iptables) backends = {Backend::nftables, Backend::nftables_xt};
  if (setting != BackendSetting::nftables) backends.push_back(Backend::iptables);
  return backends;
}

Expected<std::unique_ptr<RuleSet>> probe(Backend backend, const Policy& policy) {
  if (backend == Backend::iptables) return IptablesRuleSet::probe(policy);
  return NftablesRuleSet::probe(backend, policy);
}

std::string indented(const std::string& text) {
  std::string out = "  ";
  for (const char character : text) {
    out += character;
    if (character == '\n') out += "  ";
  }
  while (!out.empty() && (out.back() == ' ' || out.back() == '\n')) out.pop_back();
  return out;
}

// It would restore its rules. The name is that of the keeper and of workers, which begins the same.
Expected<void> refuse_under_a_daemon() {
  const auto owners = netlink::queue_owners();
  if (!owners) return tl::unexpected(Error{ExitCode::system, owners.error().message + "; run as root"});
  for (const auto& [queue, owner] : *owners) {
    if (!owner.name.starts_with("ctgated")) continue;
    return tl::unexpected(
        Error{ExitCode::problem,
              fmt::format("queue {} of this network namespace belongs to {}, which would restore its rules; "
                          "stop it first",
                          queue, owner.description)});
  }
  return {};
}

}  // namespace

Expected<std::unique_ptr<RuleSet>> choose_rule_set(BackendSetting setting, const Policy& policy) {
  std::string reasons;
  for (const Backend backend : candidates(setting)) {
    auto rules = probe(backend, policy);
    if (rules) return rules;
    if (rules.error().code == ExitCode::usage) return rules;
    reasons += fmt::format("\n{}:\n{}", to_string(backend), indented(rules.error().message));
  }
  return system_error("no backend can install the rules here" + reasons);
}

std::string print_rules(Backend backend, const Policy& policy) {
  if (backend == Backend::iptables) {
    return "# iptables-restore --noflush -w\n" + render_iptables(policy, Family::ipv4, jumps) +
           "# ip6tables-restore --noflush -w\n" + render_iptables(policy, Family::ipv6, jumps);
  }
  std::string text;
  if (backend == Backend::nftables_xt) {
    text +=
        "# each chain queue_N holds the xtables target NFQUEUE --queue-num N --queue-bypass (nft_compat),\n"
        "# which has no nft syntax\n";
  }
  return text + render_install(policy, {backend, confirmed_timeout()}, both_families);
}

Expected<std::vector<std::string>> remove_everything() {
  std::vector<std::string> removed;
  if (auto allowed = refuse_under_a_daemon(); !allowed) return tl::unexpected(allowed.error());
  if (auto supported = Nft::supported(); !supported) return tl::unexpected(supported.error());
  Nft nft;
  for (const Family family : existing_tables(nft)) {
    auto deleted = nft.run(fmt::format("delete table {} {}\n", family_word(family), table_name));
    if (!deleted) return tl::unexpected(deleted.error());
    removed.push_back(fmt::format("nftables table {} {}", family_word(family), table_name));
  }
  auto chains = remove_iptables_chains();
  if (!chains) return tl::unexpected(chains.error());
  removed.insert(removed.end(), chains->begin(), chains->end());
  return removed;
}

}  // namespace ctgate::rules

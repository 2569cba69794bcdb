// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/rules/selection.hh"

#include <algorithm>

#include "policy/exempt.hh"

namespace ctgate::rules {
namespace {

bool belongs_to(const Rule& rule, Hook hook) {
  if (hook == Hook::output) return rule.direction == Direction::any || rule.direction == Direction::output;
  return rule.direction != Direction::output && rule.users.empty();
}

Selector::Local locality(const Rule& rule, Hook hook) {
  if (hook == Hook::prerouting && rule.direction == Direction::input) return Selector::Local::yes;
  if (hook == Hook::prerouting && rule.direction == Direction::forward) return Selector::Local::no;
  return Selector::Local::any;
}

}  // namespace

std::vector<PortRange> merge_ports(std::vector<PortRange> ports) {
  std::sort(ports.begin(), ports.end(), [](const PortRange& a, const PortRange& b) { return a.first < b.first; });
  std::vector<PortRange> merged;
  for (const auto& range : ports) {
    if (!merged.empty() && range.first <= std::uint32_t{merged.back().last} + 1) {
      merged.back().last = std::max(merged.back().last, range.last);
    } else {
      merged.push_back(range);
    }
  }
  return merged;
}

std::vector<Cidr> drop_nested(const std::vector<Cidr>& prefixes) {
  std::vector<Cidr> sorted = prefixes;
  std::sort(sorted.begin(), sorted.end(), [](const Cidr& a, const Cidr& b) {
    return a.length != b.length ? a.length < b.length : a.network < b.network;
  });
  std::vector<Cidr> kept;
  for (const auto& prefix : sorted) {
    const bool nested = std::any_of(kept.begin(), kept.end(), [&](const Cidr& wider) {
      return wider.network.family == prefix.network.family && wider.contains(prefix.network);
    });
    if (!nested) kept.push_back(prefix);
  }
  return kept;
}

std::vector<Cidr> exempt_prefixes(Family family) {
  std::vector<Cidr> prefixes;
  for (const auto& [prefix, why] : exempt_destinations) {
    const bool named = why != Exemption::loopback && why != Exemption::unspecified;
    if (named && prefix.network.family == family) prefixes.push_back(prefix);
  }
  return prefixes;
}

std::vector<Selector> select_rules(const Policy& policy, Hook hook, Family family) {
  std::vector<Selector> selectors;
  for (const auto& rule : policy.rules) {
    if (!belongs_to(rule, hook)) continue;
    Selector selector;
    selector.rule = &rule;
    selector.local = locality(rule, hook);
    selector.ports = merge_ports(rule.destination_ports);
    for (const auto& prefix : drop_nested(rule.destinations)) {
      if (prefix.network.family == family) selector.destinations.push_back(prefix);
    }
    if (!rule.destinations.empty() && selector.destinations.empty()) continue;
    if (selector.destinations.size() == 1 && selector.destinations.front().length == 0) selector.destinations.clear();
    selectors.push_back(std::move(selector));
  }
  return selectors;
}

}  // namespace ctgate::rules

// SPDX-License-Identifier: GPL-2.0-or-later
// The policy's rules as both renderers need them: per hook and family, without what can't match there.
#pragma once

#include <vector>

#include "policy/policy.hh"

namespace ctgate::rules {

enum class Hook { prerouting, output };

// One policy rule in one hook for one family. Lists are free of overlaps and sorted; empty means "any".
struct Selector {
  const Rule* rule = nullptr;  // borrowed from the policy
  std::vector<PortRange> ports;
  std::vector<Cidr> destinations;
  // Only in prerouting, where it is looked up in the routing table (fib): local addresses or the others.
  enum class Local { any, yes, no } local = Local::any;
};

// The destinations of policy/exempt.hh that the rules name. Not loopback, which they know by its interface: that is
// also where a host's datagrams to its other addresses pass. Not the unspecified address, which no packet has.
[[nodiscard]] std::vector<Cidr> exempt_prefixes(Family family);

// In the policy's order. A rule whose destinations are all of the other family, or whose direction or users belong to
// the other hook, is left out.
[[nodiscard]] std::vector<Selector> select_rules(const Policy& policy, Hook hook, Family family);

// Joins ranges that overlap or touch.
[[nodiscard]] std::vector<PortRange> merge_ports(std::vector<PortRange> ports);

// Drops prefixes that lie inside another one; those that are left do not overlap.
[[nodiscard]] std::vector<Cidr> drop_nested(const std::vector<Cidr>& prefixes);

}  // namespace ctgate::rules

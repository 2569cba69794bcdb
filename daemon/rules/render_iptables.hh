// SPDX-License-Identifier: GPL-2.0-or-later
// The rule set for iptables-restore(8): every datagram that the policy gates is queued, the daemon knows the rest.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "policy/policy.hh"

namespace ctgate::rules {

// The chains of the raw table that carry the rules; the jumps to them are in PREROUTING and OUTPUT.
inline constexpr std::string_view prerouting_chain = "CTGATE_PREROUTING";
inline constexpr std::string_view output_chain = "CTGATE_OUTPUT";

// A jump from one of the raw table's own chains to ours, as iptables-save(8) prints it after -A.
struct Jump {
  std::string_view from;
  std::string_view to;
};
inline constexpr std::array<Jump, 2> jumps{{{"PREROUTING", prerouting_chain}, {"OUTPUT", output_chain}}};

// Payload for `iptables-restore --noflush` (or ip6tables-restore): replaces the contents of both chains in one commit
// and appends the jumps that are missing.
[[nodiscard]] std::string render_iptables(const Policy& policy, Family family, std::span<const Jump> missing_jumps);

// Payload that empties the chains, except for one rule, which nothing reaches once the jumps are gone: with the last
// match on conntrack its hooks would go, and with them what waits in every queue of the namespace (nf_ct_netns_put()).
[[nodiscard]] std::string render_iptables_withdraw();

// Payload that deletes both chains, to which no jump may be left.
[[nodiscard]] std::string render_iptables_removal();

}  // namespace ctgate::rules

// SPDX-License-Identifier: GPL-2.0-or-later
// The rule set for iptables-restore(8): every datagram that the policy gates is queued, the daemon knows the rest.
#pragma once

#include <string>

#include "policy/policy.hh"

namespace ctgate::rules {

// The chains of the raw table that carry the rules; the jumps to them stand in PREROUTING and OUTPUT.
inline constexpr std::string_view prerouting_chain = "CTGATE_PREROUTING";
inline constexpr std::string_view output_chain = "CTGATE_OUTPUT";

// Payload for `iptables-restore --noflush` (or ip6tables-restore): replaces the contents of both chains in one commit.
// With `add_jumps` it also appends the jumps.
[[nodiscard]] std::string render_iptables(const Policy& policy, Family family, bool add_jumps);

// Payload that takes the jumps away and empties the chains, but for one rule that nothing reaches: with the last match
// on conntrack its hooks would go, and with them what waits in every queue of the namespace (nf_ct_netns_put()).
[[nodiscard]] std::string render_iptables_withdraw();

// Payload that deletes both chains and, with `delete_jumps`, the jumps to them.
[[nodiscard]] std::string render_iptables_removal(bool delete_jumps);

}  // namespace ctgate::rules

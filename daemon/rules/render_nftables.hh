// SPDX-License-Identifier: GPL-2.0-or-later
// The rule set as nft(8) commands.
//
// The kernel decides by itself, with sets keyed by (source, port, destination, port), and only followers are queued:
//   pending    a leader has passed and is not confirmed yet     awaiting   the same, for flows that wait for an answer
//   held       the flow had a follower: all of it goes through the daemon for a while, so that nothing overtakes
//   confirmed  the flow has an entry in conntrack               answered   an answer passed shortly before
// Before conntrack: confirmed -> accept; held -> queue; pending -> held and queue; else it is pending and asks. Right
// after conntrack: who asked and has a confirmed entry teaches the kernel its flow, else it is a leader; and so is who
// is in `confirmed` without an entry. Last, before conntrack confirms: what passes is no longer pending.
#pragma once

#include <array>
#include <chrono>
#include <span>
#include <string>
#include <string_view>

#include "daemon/rules/backend.hh"
#include "daemon/rules/queue_plan.hh"
#include "policy/policy.hh"

namespace ctgate::rules {

inline constexpr std::string_view table_name = "ctgate";

// Named counters of each table: new flows whose datagrams passed ungated, because a set was full or was being enlarged
// (rhashtable_insert_rehash()), and because their source had begun too many (gate.new_flows_per_source).
inline constexpr std::array<std::string_view, 2> ungated_counters{"ungated_full", "ungated_source"};

inline constexpr unsigned set_size = 65536;  // elements of each set; a full one lets datagrams pass as without ctgate

// The sets of each table.
[[nodiscard]] std::span<const std::string_view> set_names();

struct RenderOptions {
  Backend backend = Backend::nftables;
  // Has to be shorter than net.netfilter.nf_conntrack_udp_timeout: an element must not outlive the entry it refers to.
  std::chrono::seconds confirmed_timeout{20};
};

// Name of the regular chain that holds nothing but the queue statement of `queue`.
[[nodiscard]] std::string queue_chain(std::uint16_t queue);

// Creates what is missing and replaces all rules, in one transaction, without ever removing a base chain: unregistering
// any hook drops what waits in every queue of the network namespace (nf_queue_nf_hook_drop, net/netfilter/core.c).
// Sets keep their elements. With Backend::nftables_xt the queue chains are expected to exist, see xt_queue.hh.
[[nodiscard]] std::string render_install(const Policy& policy, const RenderOptions& options,
                                         std::span<const Family> families);

// The same rules for a dry run: in regular chains of a table of another name, and without those that use conntrack. A
// transaction that is aborted unregisters the hooks that it registered (nf_tables_abort), its base chains' and
// conntrack's, and that drops what waits in other programs' queues.
[[nodiscard]] std::string render_probe(const Policy& policy, const RenderOptions& options,
                                       std::span<const Family> families);

// Empties chains and sets; what stays is the table, its base chains, and one rule in a chain that nothing jumps to,
// which keeps conntrack's hooks registered.
[[nodiscard]] std::string render_withdraw(std::span<const Family> families);

// "ip" or "ip6".
[[nodiscard]] std::string_view family_word(Family family);

}  // namespace ctgate::rules

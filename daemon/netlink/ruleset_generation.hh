// SPDX-License-Identifier: GPL-2.0-or-later
// Tells whether anybody changed nf_tables rules between two moments.
#pragma once

#include <cstdint>
#include <optional>

namespace ctgate::netlink {

// The generation of the rules in the network namespace of the calling thread: each transaction that changes anything,
// whoever runs it, adds one (nf_tables_commit() in net/netfilter/nf_tables_api.c). Empty: the kernel does not tell.
[[nodiscard]] std::optional<std::uint32_t> ruleset_generation();

}  // namespace ctgate::netlink

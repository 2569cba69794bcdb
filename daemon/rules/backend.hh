// SPDX-License-Identifier: GPL-2.0-or-later
// The ways in which the rule set gets into the kernel. What the policy asks for is a BackendSetting.
#pragma once

#include <optional>
#include <string_view>

namespace ctgate::rules {

enum class Backend {
  nftables,     // nf_tables with its own queue expression (nft_queue)
  nftables_xt,  // nf_tables; the queue statement is the xtables NFQUEUE target through nft_compat
  iptables,     // the raw table of iptables: no sets, so every datagram that the policy matches is queued
};

// "nftables", "nftables-xt", "iptables".
[[nodiscard]] std::string_view to_string(Backend backend);
[[nodiscard]] std::optional<Backend> backend_from_string(std::string_view text);

}  // namespace ctgate::rules

// SPDX-License-Identifier: GPL-2.0-or-later
// The xtables NFQUEUE target inside nf_tables (nft_compat), for kernels without the native queue expression.
#pragma once

#include <cstdint>
#include <string>

#include "policy/address.hh"
#include "policy/base/error.hh"

namespace ctgate::rules {

// Whether the kernel offers NFQUEUE revision 3 to nft_compat in the network namespace of the calling thread.
[[nodiscard]] Expected<void> probe_xt_queue(Family family);

// In one transaction: makes table and chain (a regular one) if they are missing, empties the chain, and puts one rule
// into it: the NFQUEUE target, revision 3, with bypass. Doing it twice leaves the same state as doing it once.
// net/netfilter/nft_compat.c, include/uapi/linux/netfilter/xt_NFQUEUE.h
[[nodiscard]] Expected<void> set_xt_queue_chain(Family family, const std::string& table, const std::string& chain,
                                                std::uint16_t queue);

}  // namespace ctgate::rules

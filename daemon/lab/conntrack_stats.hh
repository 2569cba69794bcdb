// SPDX-License-Identifier: GPL-2.0-or-later
// Conntrack's statistics, as `conntrack -S` shows them.
#pragma once

#include <cstdint>

#include "daemon/lab/namespace.hh"
#include "policy/base/error.hh"

namespace ctgate::lab {

// Sums over all CPUs. One that the kernel does not have is 0.
struct ConntrackStats {
  std::uint64_t clash_resolve = 0;  // entries that were merged with, or squeezed in next to, one of the same tuple
  std::uint64_t insert_failed = 0;  // packets dropped because their entry could not be put into the table
};

[[nodiscard]] ConntrackStats operator-(const ConntrackStats& later, const ConntrackStats& earlier);

// IPCTNL_MSG_CT_GET_STATS_CPU in `where`; net/netfilter/nf_conntrack_netlink.c, ctnetlink_ct_stat_cpu_dump().
[[nodiscard]] Expected<ConntrackStats> read_conntrack_stats(const NetworkNamespace& where);

}  // namespace ctgate::lab

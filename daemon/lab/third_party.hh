// SPDX-License-Identifier: GPL-2.0-or-later
// The third party's rules: what sends traffic to its queue.
#pragma once

#include <cstdint>

#include "daemon/lab/namespace.hh"
#include "policy/base/error.hh"

namespace ctgate::lab {

struct ThirdPartyRule {
  enum class Hook { forward, output, postrouting };
  Hook hook = Hook::forward;  // at priority filter (0): after conntrack, and in OUTPUT after DNAT
  std::uint16_t queue = 1;
  // Only `ct state new`, as many firewalls do, else all UDP. What such a rule holds is overtaken as soon as the first
  // answer makes its flow established: the third party reorders flows on its own.
  bool only_new = false;
};

// Puts a table `third_party` of families ip and ip6 into `where`; the queue statement has `bypass`. It is nf_tables'
// own where the kernel has it, else the xtables NFQUEUE target. Removing the rules drops what waits in *any* queue of
// the namespace (nf_queue_nf_hook_drop() in net/netfilter/nf_queue.c), so they stay as long as the namespace does.
[[nodiscard]] Expected<void> install_third_party(const NetworkNamespace& where, const ThirdPartyRule& rule);

}  // namespace ctgate::lab

// SPDX-License-Identifier: GPL-2.0-or-later
// Who else looks at the packet mark.
#pragma once

#include "daemon/rules/nft.hh"
#include "policy/base/error.hh"

namespace ctgate::rules {

// An error if a routing rule or a chain of another table tests the mark, since the rule set would set `bit` on every
// leader between the first and the last chain. `bit` < 0: nothing to check.
[[nodiscard]] Expected<void> check_mark_bit_is_free(int bit, Nft& nft);

}  // namespace ctgate::rules

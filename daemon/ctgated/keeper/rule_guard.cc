// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/ctgated/keeper/rule_guard.hh"

namespace ctgate::daemon {

void RuleGuard::changed(Time now) {
  if (!next_comparison_) next_comparison_ = now + settle_time;
}

void RuleGuard::compared(Found found, Time now) {
  next_comparison_.reset();
  if (found == Found::lost) next_comparison_ = now + retry_time;
  if (found == Found::restored) ++restored_total_;
}

}  // namespace ctgate::daemon

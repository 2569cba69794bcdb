// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/ctgated/keeper/reload_schedule.hh"

#include <algorithm>

namespace ctgate::daemon {

void ReloadSchedule::request(Time now) {
  if (!due_) due_ = std::max(now, not_before_);
}

void ReloadSchedule::finished(bool succeeded, Time now) {
  not_before_ = now + pause;
  if (due_) due_ = std::max(*due_, not_before_);
  ++(succeeded ? succeeded_total_ : failed_total_);
}

}  // namespace ctgate::daemon

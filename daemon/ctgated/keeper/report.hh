// SPDX-License-Identifier: GPL-2.0-or-later
// Fills in the part of the status that the lanes and the kernel know.
#pragma once

#include "daemon/control/status.hh"
#include "daemon/ctgated/keeper/lanes.hh"
#include "daemon/rules/rule_set.hh"

namespace ctgate::daemon {

// Sets and what passed ungated.
void report(const rules::RuleSetFigures& figures, control::Status& status);

// Queues, their counters and sums, hold times, and the conntrack table of the network namespace of the calling thread.
void report(const Lanes& lanes, control::Status& status);

}  // namespace ctgate::daemon

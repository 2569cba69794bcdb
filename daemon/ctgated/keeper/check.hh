// SPDX-License-Identifier: GPL-2.0-or-later
// Whether a daemon would start here: ctgated --check.
#pragma once

#include "daemon/rules/backend.hh"
#include "policy/base/error.hh"
#include "policy/policy.hh"

namespace ctgate::daemon {

// The backend that a daemon would use in the network namespace of the calling thread. Changes nothing. An error if no
// backend works, or if another program has one of the queues; a ctgated that has one is the daemon that is checked for.
[[nodiscard]] Expected<rules::Backend> check_system(const Policy& policy);

}  // namespace ctgate::daemon

// SPDX-License-Identifier: GPL-2.0-or-later
// A hung worker whose keeper was killed: nobody replaces it, and its queue number stays taken.
#pragma once

#include <cstdint>

namespace ctgate::daemon {

// Ends the process that has bound `queue` in the network namespace of the calling thread, if that is a worker whose
// parent is not a ctgated, and returns when the queue is free or after about a second. It is asked first (SIGCONT,
// SIGTERM), so that it lets go of what it holds, and killed if that does not help. Needs the right to signal it;
// without it nothing happens, and binding the queue will name the owner.
void end_orphan(std::uint16_t queue);

}  // namespace ctgate::daemon

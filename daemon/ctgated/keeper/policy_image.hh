// SPDX-License-Identifier: GPL-2.0-or-later
// The daemon's policy for the preload library.
#pragma once

#include <filesystem>

#include "policy/policy.hh"

namespace ctgate::daemon {

// Writes `policy` as an image to `path`, so that programs which start from now on have the policy that is in force. No
// failure stops the daemon: it is logged, and a file that is there already stays. Does nothing if `path` is empty.
// Where the daemon is not root it writes nothing, since the library refuses an image that another user can change, and
// would not look for another one then. A service has it written by root before it starts and reloads the daemon
// (`ctgate policy compile --output`); it is a warning then if what programs find is another policy than this one.
void publish_policy_image(const Policy& policy, const std::filesystem::path& path);

}  // namespace ctgate::daemon

// SPDX-License-Identifier: GPL-2.0-or-later
// The daemon's policy for the preload library.
#pragma once

#include <filesystem>

#include "policy/policy.hh"

namespace ctgate::daemon {

// Writes `policy` as an image to `path`, so that programs which start from now on have the policy that is in force. No
// failure stops the daemon: it is logged, and an existing file stays. Does nothing if `path` is empty. A daemon that is
// not root writes nothing, since the library refuses an image that another user can change, and would then look for no
// other. A service has it written by root before it starts and reloads the daemon (`ctgate policy compile --output`);
// the daemon then warns if programs find a policy other than this one.
void publish_policy_image(const Policy& policy, const std::filesystem::path& path);

}  // namespace ctgate::daemon

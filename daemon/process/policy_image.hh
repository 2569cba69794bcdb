// SPDX-License-Identifier: GPL-2.0-or-later
// The daemon's policy for the preload library.
#pragma once

#include <filesystem>

#include "policy/policy.hh"

namespace ctgate::process {

// Writes `policy` as an image to `path`, so that programs which start from now on have the policy that is in force. No
// failure stops the daemon: it is logged, and a file that is there already stays. Does nothing if `path` is empty, and
// only logs where the daemon is not root: the library refuses an image that another user can change, and would not
// look for another one then.
void publish_policy_image(const Policy& policy, const std::filesystem::path& path);

}  // namespace ctgate::process

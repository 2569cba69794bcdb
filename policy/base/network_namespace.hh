// SPDX-License-Identifier: GPL-2.0-or-later
// The network namespace that everything else works in.
#pragma once

#include <string>

#include "policy/base/error.hh"

namespace ctgate {

// Moves the calling thread into a network namespace: a name below /run/netns (ip-netns(8)) or a path. Needs
// CAP_SYS_ADMIN. Empty: stays where it is.
[[nodiscard]] Expected<void> enter_network_namespace(const std::string& name_or_path);

}  // namespace ctgate

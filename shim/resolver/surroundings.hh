// SPDX-License-Identifier: GPL-2.0-or-later
// What the machine's configuration says about who may answer: files of /etc, nscd, the environment.
#pragma once

#include "shim/resolver/resolver.hh"

namespace ctgate::resolver {

// nullptr, or a static text that says why the call is libc's. Under Wish::c_ares only what c-ares can't do counts: a
// name in the hosts file, an alias of HOSTALIASES.
[[nodiscard]] const char* judge_surroundings(Wish wish, const char* node);

}  // namespace ctgate::resolver

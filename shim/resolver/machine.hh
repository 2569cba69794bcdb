// SPDX-License-Identifier: GPL-2.0-or-later
// Whether the set-up of this machine allows c-ares to answer: files in /etc, nscd, the environment.
#pragma once

#include "shim/resolver/resolver.hh"

namespace ctgate::resolver {

// nullptr, or a static text that says why the call is left to libc. Under Preference::c_ares only what c-ares can't do
// counts: a name in the hosts file, an alias from HOSTALIASES.
[[nodiscard]] const char* judge_machine(Preference preference, const char* node);

}  // namespace ctgate::resolver

// SPDX-License-Identifier: GPL-2.0-or-later
// `ctgate resolve --compare`: one name resolved in every way, side by side.
#pragma once

#include "daemon/ctgate/resolve/lookup.hh"

namespace ctgate::lookup {

// One after the other: libc alone, libc with each option that is used against the race, and the library with each
// resolver. A problem if any of them gives other addresses than libc alone.
[[nodiscard]] Expected<ExitCode> compare(const std::string& name, const Setup& setup, bool json);

}  // namespace ctgate::lookup

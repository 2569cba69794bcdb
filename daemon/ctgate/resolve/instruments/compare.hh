// SPDX-License-Identifier: GPL-2.0-or-later
// `ctgate resolve --compare`: one name in every way, side by side.
#pragma once

#include "daemon/ctgate/resolve/lookup.hh"

namespace ctgate::lookup {

// By libc alone, with each of its options that is used against the race, and under the library with each resolver; one
// after the other. A problem if one way gives other addresses than libc.
[[nodiscard]] Expected<ExitCode> compare(const std::string& name, const Setup& setup, bool json);

}  // namespace ctgate::lookup

// SPDX-License-Identifier: GPL-2.0-or-later
// Durations as the policy file writes them: "250ms", "1s", "1.5s", "1000us", "2m".
#pragma once

#include <string>
#include <string_view>

#include "policy/policy.hh"
#include "policy/toml/diagnostic.hh"

namespace ctgate {

// A number, at most 6 decimals, and a unit (us, ms, s, m) with nothing between them. The result is in whole
// milliseconds: "500us" is refused, "1000us" is 1 ms.
[[nodiscard]] tl::expected<Milliseconds, ValueError> parse_duration(std::string_view text);

// The shortest of "2m", "90s", "1500ms" that is exact. Precondition: not negative.
[[nodiscard]] std::string format_duration(Milliseconds duration);

}  // namespace ctgate

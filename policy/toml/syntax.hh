// SPDX-License-Identifier: GPL-2.0-or-later
// From the text of a policy file to its TOML tables. Knows nothing of policies. Private to the parser.
#pragma once

#include <toml++/toml.h>
#include <optional>
#include <string_view>

#include "policy/toml/reader.hh"

namespace ctgate {

// The tables of `text`. Nothing: `problems` has the error, only one, since what follows a syntax error is guesswork.
// Safe for hostile text.
[[nodiscard]] std::optional<toml::table> parse_toml(std::string_view text, Problems& problems);

}  // namespace ctgate

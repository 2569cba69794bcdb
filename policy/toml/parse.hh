// SPDX-License-Identifier: GPL-2.0-or-later
// The policy file: TOML text -> Policy, or its errors: all at once, or the first one of a text that is not TOML.
//
//   if (auto policy = parse_policy(text, "policy.toml")) use(*policy);
//   else for (const auto& diagnostic : policy.error()) std::cerr << diagnostic.to_string() << '\n';
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "policy/base/error.hh"
#include "policy/policy.hh"
#include "policy/toml/diagnostic.hh"

namespace ctgate {

using ParseResult = tl::expected<Policy, std::vector<Diagnostic>>;

inline constexpr std::size_t largest_policy_file = std::size_t{1} << 20U;  // bytes

// The policy that `text` (TOML 1.0, UTF-8) describes; what it does not mention has its default from policy.hh, and a
// rule without `wait_for` has the one of [shim]. The errors come in the order of the file and are never empty.
//
// A text that is not TOML has one error, its first; what it means is then not checked.
// User names are looked up in the user database. No other access to the system; safe for hostile text.
[[nodiscard]] ParseResult parse_policy(std::string_view text, std::string_view file_name);

// The text of the file, or nothing if there is none (ENOENT). Errors (ExitCode::usage): not readable, more than
// largest_policy_file.
[[nodiscard]] Expected<std::optional<std::string>> read_policy_file(const std::string& path);

// Reads and parses. An absent file is the built-in policy, `Policy{}`, unless `must_exist`. The error (always
// ExitCode::usage) holds all diagnostics, one per line.
[[nodiscard]] Expected<Policy> load_policy(const std::string& path, bool must_exist);

}  // namespace ctgate

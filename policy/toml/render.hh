// SPDX-License-Identifier: GPL-2.0-or-later
// A policy as text.
#pragma once

#include <string>

#include "policy/policy.hh"

namespace ctgate {

// The complete policy as TOML: every key with its value, even where that is the default. Exact: for any policy that
// parse_policy can return, parse_policy(to_toml(policy)) == policy. Users are numbers. `release` is left out where no
// value is valid: with action "pass". Notes are not part of it.
[[nodiscard]] std::string to_toml(const Policy& policy);

// The part that the preload library's image holds (policy/image/compile.hh), also a valid policy file: [shim], the
// rules' ports, destinations, users, action and wait_for, and the default action.
[[nodiscard]] std::string shim_part_to_toml(const Policy& policy);

}  // namespace ctgate

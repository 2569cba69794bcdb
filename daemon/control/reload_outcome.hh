// SPDX-License-Identifier: GPL-2.0-or-later
// What the daemon answers to a request to reload: {"reloaded":true}, or {"error":MESSAGE,"exit_code":NUMBER}.
#pragma once

#include <string>
#include <string_view>

#include "policy/base/error.hh"

namespace ctgate::control {

// One line without its end.
[[nodiscard]] std::string to_json(const Expected<void>& outcome);

// The outcome, or ExitCode::system if that is no answer to such a request, as a daemon before it gives.
[[nodiscard]] Expected<void> reload_outcome_from_json(std::string_view text);

}  // namespace ctgate::control

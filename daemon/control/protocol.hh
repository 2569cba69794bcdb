// SPDX-License-Identifier: GPL-2.0-or-later
// Where the control socket is and what is said on it: one line of JSON in, one line of JSON out, then the end.
#pragma once

#include <string_view>

namespace ctgate::control {

// Not the directory of the policy image (policy/image/image.hh): this one belongs to whatever user ctgated runs as,
// that one to root alone, or else the preload library would refuse the image.
inline constexpr std::string_view default_runtime_directory = "/run/ctgated";
inline constexpr std::string_view socket_name = "control.sock";

// The answer is described in daemon/control/status.hh.
inline constexpr std::string_view status_request = R"({"command":"status"})";

// Read the policy again. Answered when that is done, as daemon/control/reload_outcome.hh says.
inline constexpr std::string_view reload_request = R"({"command":"reload"})";

}  // namespace ctgate::control

// SPDX-License-Identifier: GPL-2.0-or-later
// The client side of the control socket.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>

#include "daemon/control/protocol.hh"
#include "policy/base/error.hh"

namespace ctgate::control {

// Sends one line (without its end) and returns all that comes back. ExitCode::system if there is no answer within
// `timeout`; the message names the socket and says what to do.
[[nodiscard]] Expected<std::string> request(const std::filesystem::path& socket, std::string_view line,
                                            std::chrono::seconds timeout = std::chrono::seconds(5));

}  // namespace ctgate::control

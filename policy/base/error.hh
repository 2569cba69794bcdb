// SPDX-License-Identifier: GPL-2.0-or-later
// The one error type of the project and the exit codes that it carries to the command line.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace ctgate {

// Exit codes of `ctgate` and `ctgated`; documented in their manual pages, ctgate(1) and ctgated(8).
enum class ExitCode : int {
  ok = 0,       // nothing wrong
  problem = 1,  // a check ran and found a problem
  usage = 2,    // wrong command line or wrong policy
  system = 3,   // the system refused: permission, missing kernel part, taken resource
};

// What happened, where, and what to do about it, in one or more lines ready to print.
struct Error {
  ExitCode code = ExitCode::system;
  std::string message;
};

template <typename T>
using Expected = tl::expected<T, Error>;

[[nodiscard]] inline tl::unexpected<Error> usage_error(std::string message) {
  return tl::unexpected(Error{ExitCode::usage, std::move(message)});
}

[[nodiscard]] inline tl::unexpected<Error> system_error(std::string message) {
  return tl::unexpected(Error{ExitCode::system, std::move(message)});
}

// `what` followed by the text of errno value `error`, e.g. "bind queue 5380: Operation not permitted".
[[nodiscard]] tl::unexpected<Error> errno_error(std::string_view what, int error);

}  // namespace ctgate

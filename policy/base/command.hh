// SPDX-License-Identifier: GPL-2.0-or-later
// Runs a program and waits for it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "policy/base/error.hh"

namespace ctgate {

struct CommandResult {
  int exit_code = 0;   // 128 + signal number where a signal ended it, as shells count
  std::string output;  // stdout and stderr, in the order written
};

// `arguments[0]` is looked up in PATH and in the directories of administrators' programs. `input` becomes its stdin.
// An error only where it could not be started; the message names the program.
[[nodiscard]] Expected<CommandResult> run_command(const std::vector<std::string>& arguments,
                                                  std::string_view input = {});

}  // namespace ctgate

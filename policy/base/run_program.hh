// SPDX-License-Identifier: GPL-2.0-or-later
// Runs a program to its end.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/base/error.hh"

namespace ctgate {

struct ProgramOptions {
  std::string_view input{};                               // becomes its stdin
  std::optional<std::vector<std::string>> environment{};  // "NAME=value", its whole environment; nothing: the caller's
  bool errors_apart = false;                              // else stderr goes where stdout goes
  // It then runs in its own process group, which is killed when the time is up, and only the first 64 KiB of each
  // output are kept.
  std::optional<std::chrono::milliseconds> limit{};
};

struct ProgramResult {
  int exit_code = 0;  // 128 + signal number where a signal ended it, as shells count
  bool timed_out = false;
  std::string output;  // stdout, and stderr if it is not apart, in the order written
  std::string errors;

  bool operator==(const ProgramResult&) const = default;
};

// `argv[0]` is a path, or a name for find_program(). The output is what was written before the program itself ended,
// not what processes it left behind write later. An error only if it could not be started; the message names the
// program.
[[nodiscard]] Expected<ProgramResult> run_program(const std::vector<std::string>& argv,
                                                  const ProgramOptions& options = {});

// The environment of this process without the variables that concern preloading: LD_* and CTGATE_*.
[[nodiscard]] std::vector<std::string> plain_environment();

}  // namespace ctgate

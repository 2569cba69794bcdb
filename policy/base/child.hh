// SPDX-License-Identifier: GPL-2.0-or-later
// Runs a program with an environment of its own, a time limit, and its two outputs apart.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "policy/base/error.hh"

namespace ctgate {

struct ChildResult {
  int exit_code = 0;  // 128 + signal number where a signal ended it, as shells count
  bool timed_out = false;
  std::string output;
  std::string errors;

  bool operator==(const ChildResult&) const = default;
};

// `arguments[0]` is a path; `environment` holds "NAME=value" words and is all that the program gets; its input is
// /dev/null. It runs in a process group of its own, which is killed after `limit`. An error only where it could not be
// started. Not for processes with other threads: SIGCHLD is blocked and its handler set aside meanwhile.
[[nodiscard]] Expected<ChildResult> run_child(const std::vector<std::string>& arguments,
                                              const std::vector<std::string>& environment,
                                              std::chrono::milliseconds limit);

// The environment of this process without the variables that concern preloading: LD_* and CTGATE_*.
[[nodiscard]] std::vector<std::string> plain_environment();

}  // namespace ctgate

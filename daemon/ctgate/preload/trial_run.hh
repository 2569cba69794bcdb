// SPDX-License-Identifier: GPL-2.0-or-later
// Whether programs that every system needs run with a library preloaded just as they do without it.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "policy/base/error.hh"

namespace ctgate::preload {

struct TrialProgram {
  std::string name;
  std::vector<std::string> arguments;  // the first one is a path
};

struct Trial {
  std::vector<TrialProgram> programs;
  std::vector<std::string> left_out;  // why, each a sentence
};

// true, a shell, the resolver, and a program without a dynamic loader: that one must not notice, and is what remains
// for repairing the system when all others fail. What this system does not have is left out.
[[nodiscard]] Trial standard_trial();

// Runs each program without the library and with `LD_PRELOAD=word`; exit code, standard output and standard error must
// be the same, within `limit` each. The error (ExitCode::problem) says which one failed, and what it printed.
[[nodiscard]] Expected<void> run_trial(const std::vector<TrialProgram>& programs, const std::string& word,
                                       std::chrono::milliseconds limit = std::chrono::seconds(10));

}  // namespace ctgate::preload

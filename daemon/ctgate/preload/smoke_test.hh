// SPDX-License-Identifier: GPL-2.0-or-later
// Whether programs that every system needs run with a library preloaded just as they do without it.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "policy/base/error.hh"

namespace ctgate::preload {

struct SmokeCheck {
  std::string name;
  std::vector<std::string> arguments;  // the first one is a path
};

struct SmokeTest {
  std::vector<SmokeCheck> checks;
  std::vector<std::string> left_out;  // why, each a sentence
};

// true, a shell, the resolver, and a program without a dynamic loader: such a one must not notice, and is what remains
// to mend the system with when all others fail. Left out is what this system does not have.
[[nodiscard]] SmokeTest standard_smoke_test();

// Runs each check without the library and with `LD_PRELOAD=word`; exit code, standard output and standard error must be
// the same, within `limit` each. The error (ExitCode::problem) says which check failed, and what it printed.
[[nodiscard]] Expected<void> run_smoke_test(const std::vector<SmokeCheck>& checks, const std::string& word,
                                            std::chrono::milliseconds limit = std::chrono::seconds(10));

}  // namespace ctgate::preload

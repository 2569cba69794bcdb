// SPDX-License-Identifier: GPL-2.0-or-later
// The parts of `ctgate policy` that deal with images (policy/image/image.hh).
#pragma once

#include <CLI/App.hpp>
#include <string>

#include "policy/base/error.hh"

namespace ctgate::cli {

// Adds `compile` to the command `policy`.
void add_policy_compile(CLI::App& policy, ExitCode& exit_code);

// Prints what the image at `path` holds, as TOML.
ExitCode show_policy_image(const std::string& path);

}  // namespace ctgate::cli

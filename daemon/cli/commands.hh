// SPDX-License-Identifier: GPL-2.0-or-later
// The `ctgate` command. Each function adds one command with its options to `app`; the command's callback stores its
// exit code (policy/error.hh) in `exit_code`. Output goes to stdout, errors to stderr as "ctgate: ...".
#pragma once

#include <CLI/App.hpp>

#include "policy/error.hh"

namespace ctgate::cli {

void add_policy_commands(CLI::App& app, ExitCode& exit_code);  // policy check|show|match
void add_rules_commands(CLI::App& app, ExitCode& exit_code);   // rules print, cleanup
void add_status_command(CLI::App& app, ExitCode& exit_code);   // status
void add_demo_command(CLI::App& app, ExitCode& exit_code);     // demo

// Prints "ctgate: MESSAGE" to stderr and gives the error's exit code.
ExitCode report(const Error& error);

}  // namespace ctgate::cli

// SPDX-License-Identifier: GPL-2.0-or-later
// The `ctgate` command. Each function adds one command with its options to `app`; the command's callback stores its
// exit code (policy/base/error.hh) in `exit_code`. Output goes to stdout, errors to stderr as "ctgate: ...".
#pragma once

#include <CLI/App.hpp>

#include "policy/base/error.hh"

namespace ctgate::cli {

void add_policy_commands(CLI::App& app, ExitCode& exit_code);   // policy check|show|match|compile
void add_rules_commands(CLI::App& app, ExitCode& exit_code);    // rules print, cleanup
void add_status_command(CLI::App& app, ExitCode& exit_code);    // status
void add_reload_command(CLI::App& app, ExitCode& exit_code);    // reload
void add_demo_command(CLI::App& app, ExitCode& exit_code);      // demo
void add_preload_commands(CLI::App& app, ExitCode& exit_code);  // preload enable|disable|status
void add_shim_commands(CLI::App& app, ExitCode& exit_code);     // shim status
void add_resolve_command(CLI::App& app, ExitCode& exit_code);   // resolve

// A command line `ctgate run [OPTIONS] [--] COMMAND ...`: what is ours, and what is the command's, which no parser of
// ours may touch. Other command lines are all ours.
struct RunLine {
  int own = 0;               // the first `own` words of argv
  char** command = nullptr;  // the rest, ended by a null pointer as argv is; without "--"
};
[[nodiscard]] RunLine split_run_line(int argc, char** argv);

void add_run_command(CLI::App& app, ExitCode& exit_code, char** command);  // run; does not return on success

// Prints "ctgate: MESSAGE" to stderr and returns the error's exit code.
ExitCode report(const Error& error);

}  // namespace ctgate::cli

// SPDX-License-Identifier: GPL-2.0-or-later
#include <CLI/CLI.hpp>
#include <exception>
#include <iostream>

#include "daemon/ctgate/commands.hh"

namespace ctgate::cli {

ExitCode report(const Error& error) {
  std::cerr << "ctgate: " << error.message << (error.message.ends_with('\n') ? "" : "\n");
  return error.code;
}

namespace {

ExitCode run(int argc, char** argv) {
  CLI::App app{"Stops NFQUEUE programs from splitting new UDP flows"};
  app.set_version_flag("--version", "ctgate " CTGATE_VERSION);
  app.require_subcommand(1);
  app.footer("Exit codes: 0 success, 1 a check found a problem, 2 wrong command line or policy, 3 the system refused.");
  ExitCode exit_code = ExitCode::ok;
  const RunLine line = split_run_line(argc, argv);
  add_run_command(app, exit_code, line.command);
  add_status_command(app, exit_code);
  add_reload_command(app, exit_code);
  add_demo_command(app, exit_code);
  add_policy_commands(app, exit_code);
  add_rules_commands(app, exit_code);
  add_preload_commands(app, exit_code);
  add_shim_commands(app, exit_code);
  add_resolve_command(app, exit_code);
  try {
    app.parse(line.own, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? ExitCode::ok : ExitCode::usage;
  }
  return exit_code;
}

}  // namespace
}  // namespace ctgate::cli

int main(int argc, char** argv) {
  try {
    return static_cast<int>(ctgate::cli::run(argc, argv));
  } catch (const std::exception& error) {
    std::cerr << "ctgate: internal error: " << error.what() << '\n';
    return static_cast<int>(ctgate::ExitCode::system);
  }
}

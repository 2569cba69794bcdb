// SPDX-License-Identifier: GPL-2.0-or-later
// `ctgate run`: one command with the library preloaded. It becomes the command, so there is nothing to pass on.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/App.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "daemon/ctgate/commands.hh"
#include "daemon/ctgate/policy_file.hh"
#include "daemon/ctgate/preload/library.hh"
#include "daemon/ctgate/preload/preload_list.hh"
#include "daemon/ctgate/run/obstacles.hh"
#include "daemon/ctgate/run/policy_store.hh"
#include "policy/base/find_program.hh"

namespace ctgate::cli {
namespace {

// As env(1), nohup(1) and the shells have them.
constexpr int cannot_execute = 126;
constexpr int not_found = 127;

constexpr std::array<std::string_view, 2> options_with_value{"--policy", "--library"};

struct Options {
  std::string policy;
  std::string library;
  bool log = false;
  std::vector<std::string> command;  // for the help only: split_run_line() keeps the command away from the parser
};

void warn(std::string_view line) {
  std::cerr << "ctgate: " << line << '\n';
}

Expected<void> set_variable(const char* name, const std::string& value) {
  if (::setenv(name, value.c_str(), 1) != 0) return errno_error(fmt::format("set {}", name), errno);
  return {};
}

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : value;
}

void warn_of_obstacles(const char* command, const preload::Library& library) {
  const char* path = std::getenv("PATH");
  const auto file = find_program(command, path);
  if (!file) return;  // execvp(3) will say so
  for (const auto& line : preload::obstacles(preload::examine_program(*file, path), library)) warn(line);
  if (variable("CTGATE_DISABLE") == "1") warn("CTGATE_DISABLE=1 is set in the environment, so nothing is gated");
}

Expected<void> prepare(const Options& options, const char* command) {
  const auto path = preload::find_library(options.library);
  if (!path) return tl::unexpected(path.error());
  const auto library = preload::open_library(*path);
  if (!library) return tl::unexpected(library.error());
  if (!options.policy.empty()) {
    const auto image = preload::image_of(options.policy);
    if (!image) return tl::unexpected(image.error());
    if (auto set = set_variable("CTGATE_POLICY", image->string()); !set) return set;
  }
  warn_of_obstacles(command, *library);
  if (options.log) {
    if (auto set = set_variable("CTGATE_LOG", "1"); !set) return set;
  }
  return set_variable("LD_PRELOAD", preload::prepend_library(library->word, variable("LD_PRELOAD")));
}

ExitCode run(const Options& options, char** command) {
  if (auto ready = prepare(options, command[0]); !ready) return report_policy_error(ready.error());
  ::execvp(command[0], command);
  const int error = errno;
  warn(fmt::format("{}: {}", command[0], std::generic_category().message(error)));
  return static_cast<ExitCode>(error == ENOENT ? not_found : cannot_execute);
}

}  // namespace

RunLine split_run_line(int argc, char** argv) {
  if (argc < 2 || std::strcmp(argv[1], "run") != 0) return {argc, argv + argc};
  for (int i = 2; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--") return {i, argv + i + 1};
    if (word.empty() || word.front() != '-') return {i, argv + i};
    if (std::ranges::find(options_with_value, word) != options_with_value.end()) ++i;
  }
  return {argc, argv + argc};
}

void add_run_command(CLI::App& app, ExitCode& exit_code, char** command) {
  auto options = std::make_shared<Options>();
  auto* run_command = app.add_subcommand("run", "Run one command with libctgate.so preloaded");
  run_command->add_option("--policy", options->policy, "Policy file, or an image made by `ctgate policy compile`")
      ->type_name("FILE");
  run_command->add_option("--library", options->library, "Preload this file instead of the installed libctgate.so")
      ->type_name("FILE");
  run_command->add_flag("--log", options->log, "Print a line to standard error for each datagram that was held");
  run_command->add_option("COMMAND", options->command, "The command and its arguments, optionally after \"--\"");
  run_command->footer(
      "Options after COMMAND belong to the command. The library is put first in LD_PRELOAD; existing entries are\n"
      "kept. If a preloaded library has no effect on the command (static and Go programs, set-user-ID programs,\n"
      "another word size or C library), a line on standard error says so; use ctgated for these.\n"
      "The policy is compiled into $XDG_RUNTIME_DIR/ctgate, or /tmp/ctgate-UID; programs that change their user\n"
      "cannot read it there and use the policy of the system.\n"
      "Exit codes: those of the command; 126 it cannot be executed, 127 it was not found; if it was not started, 2\n"
      "wrong command line or policy, 3 the library is missing, or the system refused.");
  run_command->callback([options, command, &exit_code] {
    if (*command == nullptr) throw CLI::RequiredError("COMMAND");
    exit_code = run(*options, command);
  });
}

}  // namespace ctgate::cli

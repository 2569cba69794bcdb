// SPDX-License-Identifier: GPL-2.0-or-later
#include <CLI/App.hpp>
#include <filesystem>
#include <iostream>
#include <memory>

#include "daemon/control/client.hh"
#include "daemon/control/reload_outcome.hh"
#include "daemon/ctgate/commands.hh"

namespace ctgate::cli {
namespace {

constexpr std::chrono::seconds timeout{30};  // the kernel may have to load modules for new rules

Expected<void> reload(const std::filesystem::path& runtime_directory) {
  const auto answer = control::request(runtime_directory / control::socket_name, control::reload_request, timeout);
  if (!answer) return tl::unexpected(answer.error());
  return control::reload_outcome_from_json(*answer);
}

}  // namespace

void add_reload_command(CLI::App& app, ExitCode& exit_code) {
  auto directory = std::make_shared<std::string>(control::default_runtime_directory);
  auto* command =
      app.add_subcommand("reload", "Let the running ctgated read its policy again, and wait for the outcome");
  command->add_option("--runtime-dir", *directory, "Directory of the control socket")
      ->type_name("DIR")
      ->capture_default_str();
  command->callback([directory, &exit_code] {
    const auto outcome = reload(*directory);
    exit_code = outcome ? ExitCode::ok : report(outcome.error());
    if (outcome) std::cout << "the policy is in force\n";
  });
}

}  // namespace ctgate::cli

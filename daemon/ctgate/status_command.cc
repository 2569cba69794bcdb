// SPDX-License-Identifier: GPL-2.0-or-later
#include <CLI/App.hpp>
#include <filesystem>
#include <iostream>
#include <memory>

#include "daemon/control/client.hh"
#include "daemon/control/status.hh"
#include "daemon/ctgate/commands.hh"

namespace ctgate::cli {
namespace {

struct Options {
  std::string runtime_directory{control::default_runtime_directory};
  bool json = false;
};

Expected<ExitCode> show(const Options& options) {
  const auto answer = control::request(std::filesystem::path(options.runtime_directory) / control::socket_name,
                                       control::status_request);
  if (!answer) return tl::unexpected(answer.error());
  const auto status = control::status_from_json(*answer);
  if (!status) return tl::unexpected(status.error());
  std::cout << (options.json ? *answer : control::to_text(*status, CTGATE_VERSION));
  return control::problems(*status).empty() ? ExitCode::ok : ExitCode::problem;
}

}  // namespace

void add_status_command(CLI::App& app, ExitCode& exit_code) {
  auto options = std::make_shared<Options>();
  auto* status = app.add_subcommand("status", "Show what the running ctgated does");
  status->add_flag("--json", options->json, "Print one JSON object");
  status->add_option("--runtime-dir", options->runtime_directory, "Directory of the control socket")
      ->type_name("DIR")
      ->capture_default_str();
  status->callback([options, &exit_code] {
    const auto result = show(*options);
    exit_code = result ? *result : report(result.error());
  });
}

}  // namespace ctgate::cli

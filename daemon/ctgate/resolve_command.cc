// SPDX-License-Identifier: GPL-2.0-or-later
// ctgate resolve
#include <fmt/format.h>

#include <CLI/App.hpp>
#include <iostream>
#include <memory>

#include "daemon/ctgate/commands.hh"
#include "daemon/ctgate/policy_file.hh"
#include "daemon/ctgate/preload/library.hh"
#include "daemon/ctgate/resolve/instruments/compare.hh"
#include "daemon/ctgate/resolve/instruments/datagram_count.hh"
#include "daemon/ctgate/resolve/instruments/explain.hh"
#include "daemon/ctgate/resolve/lookup.hh"
#include "daemon/ctgate/resolve/print.hh"

namespace ctgate::cli {
namespace {

struct Options {
  std::string name;
  std::string policy;
  std::string library;
  bool explain = false;
  bool compare = false;
  bool json = false;
};

Expected<lookup::Setup> set_up(const Options& options) {
  const auto path = preload::find_library(options.library);
  if (!path) return tl::unexpected(path.error());
  const auto library = preload::open_library(*path);
  if (!library) return tl::unexpected(library.error());
  const auto loaded = load_policy_file(options.policy);
  if (!loaded) return tl::unexpected(loaded.error());
  return lookup::Setup{*library, loaded->policy};
}

Expected<ExitCode> resolve(const Options& options) {
  const auto setup = set_up(options);
  if (!setup) return tl::unexpected(setup.error());
  if (options.compare) return lookup::compare(options.name, *setup, options.json);
  if (options.explain) return lookup::explain(options.name, *setup, options.json);
  const auto mode = lookup::mode_of(setup->policy);
  const auto result = lookup::look_up(options.name, mode, *setup);
  if (!result) return tl::unexpected(result.error());
  if (options.json) {
    std::cout << lookup::to_json(mode, *result).dump(2) << '\n';
  } else {
    lookup::print_answer(options.name, *result);
    fmt::print("{:.1f} ms, {}\n", result->milliseconds(), lookup::path_of(*result));
  }
  return result->error.empty() ? ExitCode::ok : ExitCode::problem;
}

// What the lookups start as other processes; not for people.
void add_child_commands(CLI::App& app, ExitCode& exit_code) {
  struct Child {
    std::string name;
    bool count = false;
  };
  auto options = std::make_shared<Child>();
  auto* child = app.add_subcommand("lookup-child", "")->group("");
  child->add_option("NAME", options->name)->required();
  child->add_flag("--count", options->count);
  child->callback([options, &exit_code] {
    const auto look_up = [&] { lookup::look_up_here(options->name); };
    if (!options->count) return look_up();
    if (const auto done = lookup::print_datagrams(look_up); !done) exit_code = report(done.error());
  });

  app.add_subcommand("libc-probe-child", "")->group("")->callback([&exit_code] {
    if (const auto done = lookup::probe_libc_here(); !done) exit_code = report(done.error());
  });
}

}  // namespace

void add_resolve_command(CLI::App& app, ExitCode& exit_code) {
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand("resolve", "Resolve a name as programs under libctgate.so do");
  command->add_option("NAME", options->name, "Name to resolve")->required();
  command->add_flag("--explain", options->explain, "Also count the datagrams, and test libc for bug 30081");
  command->add_flag("--compare", options->compare, "Show all ways side by side: libc, libc with its options, ctgate");
  command->add_flag("--json", options->json, "Print one JSON object, or with --compare a list of them");
  command->add_option("--policy", options->policy, policy_file_help)->type_name("FILE");
  command->add_option("--library", options->library, "Use this file instead of the installed libctgate.so")
      ->type_name("FILE");
  command->footer(
      "Exit codes: 0 success, 1 the name cannot be resolved (--compare: the results differ), 2 wrong command line or\n"
      "policy, 3 the system refused.");
  command->callback([options, &exit_code] {
    const auto result = resolve(*options);
    exit_code = result ? *result : report_policy_error(result.error());
  });
  add_child_commands(app, exit_code);
}

}  // namespace ctgate::cli

// SPDX-License-Identifier: GPL-2.0-or-later
// ctgate resolve
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gnu/libc-version.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "daemon/cli/commands.hh"
#include "daemon/cli/policy_file.hh"
#include "daemon/preload/library.hh"
#include "daemon/preload/lookup.hh"

namespace ctgate::cli {
namespace {

using Json = nlohmann::ordered_json;
using preload::LookupMode;
using preload::LookupResult;

struct Options {
  std::string name;
  std::string policy;
  std::string library;
  bool explain = false;
  bool compare = false;
  bool json = false;
};

double milliseconds(const LookupResult& result) {
  return static_cast<double>(result.duration.count()) / 1000;
}

std::string answer(const LookupResult& result) {
  return result.error.empty() ? fmt::format("{}", fmt::join(result.addresses, " ")) : result.error;
}

// glibc bug 30081, mended in 2.41 and in what some distributions made of older ones: nothing tells which.
std::string libc_note() {
  int major = 0, minor = 0;
  const char* version = gnu_get_libc_version();
  if (std::sscanf(version, "%d.%d", &major, &minor) != 2 || major > 2 || minor >= 41) return {};
  return fmt::format(
      "note       glibc {}: with single-request an error as the first answer costs 5 s, unless the distribution has\n"
      "           mended it (sourceware.org bug 30081)\n",
      version);
}

Json to_json(const LookupMode& mode, const LookupResult& result) {
  Json object;
  object["mode"] = mode.title;
  object["error"] = result.error.empty() ? Json() : Json(result.error);
  object["addresses"] = result.addresses;
  object["canonical_name"] = result.canonical_name;
  object["milliseconds"] = milliseconds(result);
  object["path"] = result.path;
  return object;
}

// All modes, one after the other; a problem where one gives other addresses than libc.
Expected<ExitCode> compare(const Options& options, const preload::Library& library, const ShimOptions& shim) {
  ExitCode code = ExitCode::ok;
  Json list = Json::array();
  std::string reference;
  for (const auto& mode : preload::all_lookup_modes()) {
    const auto result = preload::look_up(options.name, mode, library, shim);
    if (!result) return tl::unexpected(result.error());
    if (reference.empty()) reference = answer(*result);
    const bool differs = answer(*result) != reference;
    if (differs) code = ExitCode::problem;
    list.push_back(to_json(mode, *result));
    if (options.json) continue;
    fmt::print("{:<28} {:>9.1f} ms  {}{}{}\n", mode.title, milliseconds(*result), answer(*result),
               differs ? "  DIFFERS" : "", result->path.empty() ? "" : "  (" + result->path + ")");
    std::cout.flush();
  }
  if (options.json) std::cout << list.dump(2) << '\n';
  return code;
}

Expected<ExitCode> one(const Options& options, const preload::Library& library, const ShimOptions& shim) {
  const LookupMode mode{fmt::format("ctgate, {}", to_string(shim.resolver)), "", shim.resolver};
  const auto result = preload::look_up(options.name, mode, library, shim);
  if (!result) return tl::unexpected(result.error());
  if (options.json) {
    std::cout << to_json(mode, *result).dump(2) << '\n';
  } else {
    if (!result->error.empty()) fmt::print("{}: {}\n", options.name, result->error);
    for (const auto& address : result->addresses) fmt::print("{}\n", address);
    if (options.explain) {
      fmt::print("resolver   {} (policy)\n", to_string(shim.resolver));
      fmt::print("path       {}\n", result->path.empty() ? "libc; the library had nothing to decide" : result->path);
      if (result->path.find("c-ares, ") == std::string::npos) fmt::print("{}", libc_note());
      if (!result->canonical_name.empty()) fmt::print("canonical  {}\n", result->canonical_name);
    }
    fmt::print("{}{:.1f} ms\n", options.explain ? "time       " : "", milliseconds(*result));
  }
  return result->error.empty() ? ExitCode::ok : ExitCode::problem;
}

Expected<ExitCode> resolve(const Options& options) {
  const auto path = preload::find_library(options.library);
  if (!path) return tl::unexpected(path.error());
  const auto library = preload::open_library(*path);
  if (!library) return tl::unexpected(library.error());
  const auto loaded = load_policy_file(options.policy);
  if (!loaded) return tl::unexpected(loaded.error());
  return (options.compare ? compare : one)(options, *library, loaded->policy.shim);
}

}  // namespace

void add_resolve_command(CLI::App& app, ExitCode& exit_code) {
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand("resolve", "Resolve a name as programs under libctgate.so do, and say how");
  command->add_option("NAME", options->name, "The name")->required();
  command->add_flag("--explain", options->explain, "Say who answered, c-ares or libc, and why");
  command->add_flag("--compare", options->compare, "All ways side by side: libc, its options, ours");
  command->add_flag("--json", options->json, "One JSON object, or with --compare a list of them");
  command->add_option("--policy", options->policy, policy_file_help)->type_name("FILE");
  command->add_option("--library", options->library, "Use this file instead of the installed libctgate.so")
      ->type_name("FILE");
  command->footer(
      "Exit codes: 0 fine, 1 the name cannot be resolved (--compare: the ways do not agree), 2 usage or policy error,\n"
      "3 the system refused.");
  command->callback([options, &exit_code] {
    const auto result = resolve(*options);
    exit_code = result ? *result : report_policy_error(result.error());
  });

  // What look_up() starts; not for people.
  auto name = std::make_shared<std::string>();
  auto* child = app.add_subcommand("lookup-child", "")->group("");
  child->add_option("NAME", *name)->required();
  child->callback([name] { preload::look_up_here(*name); });
}

}  // namespace ctgate::cli

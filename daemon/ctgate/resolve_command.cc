// SPDX-License-Identifier: GPL-2.0-or-later
// ctgate resolve
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gnu/libc-version.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "daemon/ctgate/commands.hh"
#include "daemon/ctgate/policy_file.hh"
#include "daemon/ctgate/preload/library.hh"
#include "daemon/ctgate/resolve/libc_probe.hh"
#include "daemon/ctgate/resolve/lookup.hh"

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

std::string path_of(const LookupResult& result) {
  return result.path.empty() ? "libc; the library had nothing to decide" : result.path;
}

std::string datagrams_of(const LookupResult& result) {
  return result.datagrams ? fmt::format("{}", *result.datagrams) : "unknown";
}

std::string answer(const LookupResult& result) {
  return result.error.empty() ? fmt::format("{}", fmt::join(result.addresses, " ")) : result.error;
}

// The order may be another each time (round robin).
std::string in_any_order(LookupResult result) {
  std::ranges::sort(result.addresses);
  return answer(result);
}

// Whether libc has the bug that makes single-request dear, as it was measured here.
std::string libc_line(const Expected<preload::LibcProbe>& probe) {
  const std::string libc = fmt::format("libc       glibc {}", gnu_get_libc_version());
  if (!probe) return fmt::format("{}: bug 30081 could not be measured: {}\n", libc, probe.error().message);
  const double time = static_cast<double>(probe->duration.count()) / 1000;
  if (probe->affected()) {
    return fmt::format(
        "{} has bug 30081: with single-request an error as the first answer costs a timeout, 5 s by\n"
        "           default (measured: {:.1f} ms of 1000)\n",
        libc, time);
  }
  return fmt::format("{} does not have bug 30081: an error as the first answer costs nothing (measured: {:.1f} ms)\n",
                     libc, time);
}

Json to_json(const LookupMode& mode, const LookupResult& result) {
  Json object;
  object["mode"] = mode.title;
  object["error"] = result.error.empty() ? Json() : Json(result.error);
  object["addresses"] = result.addresses;
  object["canonical_name"] = result.canonical_name;
  object["milliseconds"] = milliseconds(result);
  object["datagrams"] = result.datagrams ? Json(*result.datagrams) : Json();
  object["path"] = result.path;
  return object;
}

Json to_json(const Expected<preload::LibcProbe>& probe) {
  Json object;
  object["version"] = gnu_get_libc_version();
  object["bug_30081"] = probe ? Json(probe->affected()) : Json();
  return object;
}

// All modes, one after the other; a problem where one gives other addresses than libc.
Expected<ExitCode> compare(const Options& options, const preload::Library& library, const Policy& policy) {
  ExitCode code = ExitCode::ok;
  Json list = Json::array();
  std::string reference;
  for (const auto& mode : preload::all_lookup_modes()) {
    const auto result = preload::look_up(options.name, mode, library, policy);
    if (!result) return tl::unexpected(result.error());
    if (reference.empty()) reference = in_any_order(*result);
    const bool differs = in_any_order(*result) != reference;
    if (differs) code = ExitCode::problem;
    list.push_back(to_json(mode, *result));
    if (options.json) continue;
    fmt::print("{:<28} {:>9.1f} ms {:>3} datagrams  {}{}{}\n", mode.title, milliseconds(*result), datagrams_of(*result),
               answer(*result), differs ? "  DIFFERS" : "", result->path.empty() ? "" : "  (" + result->path + ")");
    std::cout.flush();
  }
  if (options.json) {
    std::cout << list.dump(2) << '\n';
  } else {
    fmt::print("{}", libc_line(preload::probe_libc()));
  }
  return code;
}

void print(const LookupResult& result, const Options& options, Resolver resolver) {
  if (!result.error.empty()) fmt::print("{}: {}\n", options.name, result.error);
  for (const auto& address : result.addresses) fmt::print("{}\n", address);
  if (!options.explain) {
    fmt::print("{:.1f} ms, datagrams: {}, path: {}\n", milliseconds(result), datagrams_of(result), path_of(result));
    return;
  }
  fmt::print("resolver   {} (policy)\n", to_string(resolver));
  fmt::print("path       {}\n", path_of(result));
  // With the others RES_OPTIONS has single-request, for what c-ares leaves to libc.
  if (resolver != Resolver::off) fmt::print("{}", libc_line(preload::probe_libc()));
  if (!result.canonical_name.empty()) fmt::print("canonical  {}\n", result.canonical_name);
  fmt::print("datagrams  {}\ntime       {:.1f} ms\n", datagrams_of(result), milliseconds(result));
}

Expected<ExitCode> one(const Options& options, const preload::Library& library, const Policy& policy) {
  const LookupMode mode{fmt::format("ctgate, {}", to_string(policy.shim.resolver)), "", policy.shim.resolver};
  const auto result = preload::look_up(options.name, mode, library, policy);
  if (!result) return tl::unexpected(result.error());
  if (options.json) {
    auto object = to_json(mode, *result);
    if (options.explain) object["libc"] = to_json(preload::probe_libc());
    std::cout << object.dump(2) << '\n';
  } else {
    print(*result, options, policy.shim.resolver);
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
  return (options.compare ? compare : one)(options, *library, loaded->policy);
}

}  // namespace

void add_resolve_command(CLI::App& app, ExitCode& exit_code) {
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand("resolve", "Resolve a name as programs under libctgate.so do, and say how");
  command->add_option("NAME", options->name, "The name")->required();
  command->add_flag("--explain", options->explain,
                    "Say who answered, c-ares or libc, and why; measure libc's bug 30081");
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
  child->callback([name, &exit_code] {
    if (const auto done = preload::look_up_here(*name); !done) exit_code = report(done.error());
  });

  // What probe_libc() starts.
  app.add_subcommand("libc-probe-child", "")->group("")->callback([&exit_code] {
    if (const auto done = preload::probe_libc_here(); !done) exit_code = report(done.error());
  });
}

}  // namespace ctgate::cli

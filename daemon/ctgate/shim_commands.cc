// SPDX-License-Identifier: GPL-2.0-or-later
// ctgate shim status
#include <fmt/format.h>

#include <CLI/App.hpp>
#include <array>
#include <charconv>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "daemon/ctgate/commands.hh"
#include "daemon/ctgate/preload/process_status.hh"
#include "policy/image/image.hh"

namespace ctgate::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string pid;
  bool json = false;
};

template <std::size_t Size>
std::string name_of(const std::array<std::string_view, Size>& names, std::uint32_t value) {
  return value < Size ? std::string(names[value]) : fmt::format("unknown ({})", value);
}

// In the order of shim::Mode and shim::PolicySource.
std::string mode_name(std::uint32_t mode) {
  return name_of<5>({"starting", "active", "disabled", "skipped", "sandboxed"}, mode);
}
std::string policy_name(std::uint32_t policy) {
  return name_of<5>({"built-in", "runtime", "state", "environment", "refused"}, policy);
}

std::string_view mode_meaning(std::uint32_t mode) {
  constexpr std::array<std::string_view, 5> meanings{
      " (its constructor has not run: nothing is gated)", "", " (CTGATE_DISABLE=1: nothing is gated)",
      " (skip_programs names this program: nothing is gated)",
      " (it has set up a seccomp filter, which may forbid the library's system calls: nothing is gated)"};
  return mode < meanings.size() ? meanings[mode] : "";
}

std::string policy_meaning(std::uint32_t policy) {
  const std::array<std::string, 5> meanings{
      " (there is no image)", fmt::format(" ({}, written by ctgated)", image::runtime_path),
      fmt::format(" ({})", image::state_path), " (CTGATE_POLICY)",
      " (an image is damaged, from another version or not owned by root: built-in defaults)"};
  return policy < meanings.size() ? meanings[policy] : "";
}

double average_us(const preload::Counters& counters) {
  return counters.held == 0 ? 0 : static_cast<double>(counters.held_us) / static_cast<double>(counters.held);
}

Json to_json(pid_t pid, const preload::ProcessStatus& status) {
  Json json{{"pid", pid}, {"loaded", status.loaded}};
  if (!status.loaded) {
    json["reason"] = status.why_not;
    return json;
  }
  json["library"] = status.library;
  json["replaced"] = status.replaced;
  if (!status.counters || !status.counters->known()) {
    json["counters"] = nullptr;
    return json;
  }
  const auto& counters = *status.counters;
  json["mode"] = mode_name(counters.mode);
  json["policy"] = policy_name(counters.policy);
  json["counters"] = {{"flows", counters.flows},           {"held", counters.held},
                      {"held_us", counters.held_us},       {"average_us", average_us(counters)},
                      {"longest_us", counters.longest_us}, {"timed_out", counters.timed_out},
                      {"overflow", counters.overflow}};
  return json;
}

std::string human(pid_t pid, const preload::ProcessStatus& status) {
  if (!status.loaded) return fmt::format("libctgate.so is not in process {}: {}\n", pid, status.why_not);
  std::string text = fmt::format("process {} has {}{}\n", pid, status.library,
                                 status.replaced ? ", which was removed or replaced since it started" : "");
  if (!status.counters) return text + "its counters were not found in its memory\n";
  const auto& counters = *status.counters;
  if (!counters.known()) {
    return text + fmt::format("its counters have version {}, but this ctgate reads version {}: restart the process\n",
                              counters.version, shim::status_version);
  }
  text += fmt::format("mode       {}{}\n", mode_name(counters.mode), mode_meaning(counters.mode));
  text += fmt::format("policy     {}{}\n", policy_name(counters.policy), policy_meaning(counters.policy));
  text += fmt::format("flows      {}\n", counters.flows);
  text += fmt::format("held       {} datagrams, {} of them for the full max_wait\n", counters.held, counters.timed_out);
  text += fmt::format("waited     {:.0f} us on average, {} us at most\n", average_us(counters), counters.longest_us);
  text += fmt::format("forgotten  {} flows, because the table was full\n", counters.overflow);
  return text;
}

Expected<pid_t> parse_pid(const std::string& text) {
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pid);
  if (error == std::errc() && end == text.data() + text.size() && pid > 0) return pid;
  return usage_error(fmt::format("\"{}\" is not a process id; see `ctgate shim status --help`", text));
}

ExitCode show(const Options& options) {
  const auto pid = parse_pid(options.pid);
  if (!pid) return report(pid.error());
  const auto status = preload::read_process(*pid);
  if (!status) return report(status.error());
  if (options.json) {
    // The path comes from a stranger: what is no UTF-8 in it is replaced.
    std::cout << to_json(*pid, *status).dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
  } else {
    std::cout << human(*pid, *status);
  }
  return status->loaded ? ExitCode::ok : ExitCode::problem;
}

}  // namespace

void add_shim_commands(CLI::App& app, ExitCode& exit_code) {
  auto* shim = app.add_subcommand("shim", "Inspect the preloaded library in running processes");
  shim->require_subcommand(1);
  auto options = std::make_shared<Options>();
  auto* status =
      shim->add_subcommand("status", "Show whether libctgate.so is loaded in a process, and what it held there");
  status->add_option("PID", options->pid, "Process id")->required();
  status->add_flag("--json", options->json, "Print one JSON object");
  status->footer(
      "Reads the counters from the memory of the process, which is not disturbed. A forked child inherits the\n"
      "counters of its parent.\n"
      "Exit codes: 0 the library is in the process, 1 it is not, 2 there is no such process, 3 not permitted.");
  status->callback([options, &exit_code] { exit_code = show(*options); });
}

}  // namespace ctgate::cli

// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "daemon/control/client.hh"
#include "daemon/ctgate/commands.hh"

namespace ctgate::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string runtime_directory{control::default_runtime_directory};
  bool json = false;
};

std::string duration_text(std::uint64_t microseconds) {
  if (microseconds < 1000) return fmt::format("{} us", microseconds);
  if (microseconds < 1'000'000) return fmt::format("{:g} ms", static_cast<double>(microseconds) / 1000);
  return fmt::format("{:g} s", static_cast<double>(microseconds) / 1'000'000);
}

// Bars to scale, empty buckets at both ends left out.
std::string histogram_text(const Json& buckets) {
  constexpr std::size_t width = 40;
  std::size_t first = buckets.size(), last = 0;
  std::uint64_t largest = 0;
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    const auto count = buckets[i].at("count").get<std::uint64_t>();
    if (count == 0) continue;
    first = std::min(first, i);
    last = i;
    largest = std::max(largest, count);
  }
  if (largest == 0) return "  nothing was held yet\n";
  std::string text;
  for (std::size_t i = first; i <= last; ++i) {
    const auto count = buckets[i].at("count").get<std::uint64_t>();
    const auto& bound = buckets[i].at("le_us");
    const std::string label = bound.is_null() ? "longer" : "up to " + duration_text(bound.get<std::uint64_t>());
    text += fmt::format("  {:<14} {:>10}  {}\n", label, count, std::string(count * width / largest, '#'));
  }
  return text;
}

std::string human(const Json& status) {
  const auto number = [&](const char* key) { return status.at(key).get<std::uint64_t>(); };
  std::string text =
      fmt::format("ctgated {} is {} (process {}, backend {}, policy {}{})\n", status.at("version").get<std::string>(),
                  status.at("state").get<std::string>(), number("pid"), status.at("backend").get<std::string>(),
                  status.at("policy").get<std::string>(),
                  status.at("netns").is_null() ? "" : ", netns " + status.at("netns").get<std::string>());
  text += fmt::format("holding now    {} datagrams of {} flows\n", number("held"), number("flows_holding"));
  text += fmt::format("queued         {}\n", number("queued_total"));
  text += fmt::format("held           {}, released {}, promoted {}, flows given up {}\n", number("held_total"),
                      number("released_total"), number("promoted_total"), number("abandoned_flows_total"));
  text += fmt::format("over a limit   {}, unparsed {}\n", number("overflow_total"), number("unparsed_total"));
  text += fmt::format("conntrack      {} events, {} lookups, overruns: {} of events, {} of queues\n",
                      number("events_total"), number("lookups_total"), number("event_overruns_total"),
                      number("queue_overruns_total"));
  text += fmt::format("repairs        {} workers replaced, {} times rules restored\n", number("worker_restarts_total"),
                      number("rules_restored_total"));
  const auto& conntrack = status.at("conntrack");
  if (conntrack.at("table_full").get<bool>()) {
    text += fmt::format(
        "PROBLEM        conntrack table full ({} entries): new flows are never confirmed; raise "
        "net.netfilter.nf_conntrack_max\n",
        conntrack.at("entries").get<std::uint64_t>());
  }
  if (!conntrack.at("events_enabled").get<bool>()) {
    text += "PROBLEM        net.netfilter.nf_conntrack_events is 0: working by lookups alone\n";
  }
  for (const auto& queue : status.at("queues")) {
    text +=
        fmt::format("queue {:<8} worker {}, releases when {}, {} queued, {} held\n", queue.at("number").get<unsigned>(),
                    queue.at("worker_pid").dump(), queue.at("release").get<std::string>(),
                    queue.at("queued_total").get<std::uint64_t>(), queue.at("held_total").get<std::uint64_t>());
  }
  return text + "hold times\n" + histogram_text(status.at("hold_time"));
}

Expected<void> show(const Options& options) {
  const auto answer = control::request(std::filesystem::path(options.runtime_directory) / control::socket_name,
                                       control::status_request);
  if (!answer) return tl::unexpected(answer.error());
  if (options.json) {
    std::cout << *answer;
    return {};
  }
  std::cout << human(Json::parse(*answer));
  return {};
}

}  // namespace

void add_status_command(CLI::App& app, ExitCode& exit_code) {
  auto options = std::make_shared<Options>();
  auto* status = app.add_subcommand("status", "What the running ctgated does");
  status->add_flag("--json", options->json, "One JSON object");
  status->add_option("--runtime-dir", options->runtime_directory, "Directory of the control socket")
      ->type_name("DIR")
      ->capture_default_str();
  status->callback([options, &exit_code] {
    const auto result = show(*options);
    exit_code = result ? ExitCode::ok : report(result.error());
  });
}

}  // namespace ctgate::cli

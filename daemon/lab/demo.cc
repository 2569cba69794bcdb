// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/lab/demo.hh"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/utsname.h>

#include <algorithm>

#include "daemon/lab/daemon.hh"
#include "daemon/lab/resolver.hh"
#include "daemon/lab/sandbox.hh"
#include "daemon/lab/topology.hh"
#include "policy/base/find_program.hh"

namespace ctgate::lab {
namespace {

nlohmann::ordered_json run_to_json(const RunResult& run, bool with_ctgated) {
  nlohmann::ordered_json json{{"flows", run.flows},
                              {"sent", run.sent},
                              {"answered", run.answered},
                              {"lost", run.lost},
                              {"split_flows", run.split_flows},
                              {"out_of_order_flows", run.out_of_order_flows},
                              {"clash_resolve", run.clash_resolve},
                              {"insert_failed", run.insert_failed}};
  if (with_ctgated) json["held"] = run.held;
  return json;
}

using Run = RunResult ScenarioReport::*;
using Count = std::uint32_t RunResult::*;

// "60 of 80 answers are lost (late-answers)", summed over the scenarios that have it; empty when none has.
std::string describe(const std::vector<ScenarioReport>& reports, Run run, Count damaged, Count total,
                     const char* text) {
  std::uint64_t sum = 0;
  std::uint64_t of = 0;
  std::vector<std::string_view> names;
  for (const auto& report : reports) {
    if ((report.*run).*damaged == 0) continue;
    sum += (report.*run).*damaged;
    of += (report.*run).*total;
    names.push_back(report.scenario.name);
  }
  return names.empty() ? std::string() : fmt::format("{} of {} {} ({})", sum, of, text, fmt::join(names, ", "));
}

std::string describe_damage(const std::vector<ScenarioReport>& reports, Run run) {
  std::vector<std::string> parts{
      describe(reports, run, &RunResult::split_flows, &RunResult::flows,
               "flows leave from several ports or reach both backends"),
      describe(reports, run, &RunResult::lost, &RunResult::sent, "answers are lost"),
      describe(reports, run, &RunResult::out_of_order_flows, &RunResult::flows, "flows arrive out of order")};
  std::erase(parts, std::string());
  return fmt::format("{}", fmt::join(parts, "; "));
}

}  // namespace

bool DemoReport::clean() const {
  return std::ranges::all_of(scenarios, [](const auto& report) { return report.with.clean(); });
}

std::string DemoReport::verdict() const {
  const std::string damage = describe_damage(scenarios, &ScenarioReport::without);
  const std::string before =
      damage.empty()
          ? fmt::format("Linux {} keeps new UDP flows whole in these scenarios, even without ctgate.", kernel)
          : fmt::format("Linux {} damages new UDP flows when NFQUEUE verdicts are late: {}.", kernel, damage);
  const std::string after =
      clean() ? "With ctgate nothing is lost, and every flow stays whole and in order."
              : "Even with ctgate there is damage: " + describe_damage(scenarios, &ScenarioReport::with) + ".";
  return before + " " + after;
}

nlohmann::ordered_json DemoReport::to_json() const {
  nlohmann::ordered_json json{{"kernel", kernel}, {"backend", backend}};
  json["scenarios"] = nlohmann::ordered_json::array();
  for (const auto& report : scenarios) {
    json["scenarios"].push_back({{"name", report.scenario.name},
                                 {"without", run_to_json(report.without, false)},
                                 {"with", run_to_json(report.with, true)}});
  }
  json["skipped"] = nlohmann::ordered_json::array();
  for (const auto& skip : skipped) json["skipped"].push_back({{"name", skip.name}, {"reason", skip.reason}});
  json["verdict"] = clean() ? "clean" : "damaged";
  json["summary"] = verdict();
  return json;
}

Expected<void> check_demo() {
  if (auto allowed = check_privileges(); !allowed) return allowed;
  if (!find_program("ip")) return system_error("ip(8) is not installed: apt install iproute2, dnf install iproute");
  return find_ctgated().map([](const auto&) {});
}

std::vector<SkippedScenario> skipped_scenarios() {
  std::vector<SkippedScenario> skipped;
  const auto dnsmasq = check_dnsmasq();
  for (const auto& scenario : scenarios()) {
    if (scenario.family == Family::ipv6 && !ipv6_available()) {
      skipped.push_back({std::string(scenario.name), "this kernel has no IPv6"});
    } else if (scenario.resolver && !dnsmasq) {
      skipped.push_back({std::string(scenario.name), dnsmasq.error().message});
    }
  }
  return skipped;
}

Expected<DemoReport> run_demo(const Load& load, const Progress& progress) {
  DemoReport report;
  utsname system{};
  ::uname(&system);
  report.kernel = system.release;
  report.skipped = skipped_scenarios();
  const auto total = static_cast<unsigned>(2 * (scenarios().size() - report.skipped.size()));
  unsigned number = 0;
  for (const auto& scenario : scenarios()) {
    if (std::ranges::find(report.skipped, scenario.name, &SkippedScenario::name) != report.skipped.end()) continue;
    ScenarioReport result{scenario, {}, {}};
    for (const bool with_ctgated : {false, true}) {
      progress(++number, total, scenario, with_ctgated);
      auto run = run_scenario(scenario, load, with_ctgated);
      if (!run) {
        return tl::unexpected(
            Error{run.error().code, fmt::format("scenario {}, {} ctgated: {}", scenario.name,
                                                with_ctgated ? "with" : "without", run.error().message)});
      }
      (with_ctgated ? result.with : result.without) = std::move(*run);
    }
    report.backend = result.with.backend;
    report.scenarios.push_back(std::move(result));
  }
  return report;
}

}  // namespace ctgate::lab

// SPDX-License-Identifier: GPL-2.0-or-later
// `ctgate demo` without its terminal: every scenario, first without and then with ctgated.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "daemon/lab/scenario.hh"
#include "policy/base/error.hh"

namespace ctgate::lab {

struct ScenarioReport {
  Scenario scenario;
  RunResult without;
  RunResult with;
};

struct SkippedScenario {
  std::string name;
  std::string reason;
};

struct DemoReport {
  std::string kernel;   // release
  std::string backend;  // ctgated's
  std::vector<ScenarioReport> scenarios;
  std::vector<SkippedScenario> skipped;

  // Whether every run with ctgated was.
  [[nodiscard]] bool clean() const;
  // One or two sentences for people.
  [[nodiscard]] std::string verdict() const;
  // {"kernel","backend","scenarios":[{"name","without":{...},"with":{...}}],"skipped":[{"name","reason"}],
  //  "verdict": "clean" or "damaged", "summary"}
  [[nodiscard]] nlohmann::ordered_json to_json() const;
};

// Whether this system can run the demo at all; the scenarios that it cannot run are in skipped_scenarios().
[[nodiscard]] Expected<void> check_demo();
[[nodiscard]] std::vector<SkippedScenario> skipped_scenarios();

// Called before each run: which one it is of how many.
using Progress = std::function<void(unsigned number, unsigned total, const Scenario& scenario, bool with_ctgated)>;

// Inside a sandbox (sandbox.hh).
[[nodiscard]] Expected<DemoReport> run_demo(const Load& load, const Progress& progress);

}  // namespace ctgate::lab

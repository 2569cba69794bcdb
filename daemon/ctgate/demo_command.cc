// SPDX-License-Identifier: GPL-2.0-or-later
// `ctgate demo`: shows the damage on this kernel, and that it is gone with ctgated.
#include <fmt/format.h>
#include <langinfo.h>
#include <unistd.h>

#include <CLI/App.hpp>
#include <clocale>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>

#include "daemon/ctgate/commands.hh"
#include "daemon/lab/demo.hh"
#include "daemon/lab/sandbox.hh"
#include "daemon/lab/table.hh"

namespace ctgate::cli {
namespace {

struct Options {
  bool json = false;
  bool quick = false;
};

// One line on standard error that is written over; nothing at all where that is no terminal.
class ProgressLine {
 public:
  ProgressLine() : terminal_(::isatty(STDERR_FILENO) == 1) {}
  void show(const std::string& text) const {
    if (terminal_) std::cerr << "\r\x1b[K" << text << std::flush;
  }
  void clear() const { show(""); }

 private:
  bool terminal_;
};

lab::TableStyle table_style() {
  const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  const char* no_colour = std::getenv("NO_COLOR");  // https://no-color.org
  const char* term = std::getenv("TERM");
  lab::TableStyle style;
  style.colours =
      terminal && (no_colour == nullptr || *no_colour == '\0') && (term == nullptr || std::strcmp(term, "dumb") != 0);
  std::setlocale(LC_CTYPE, "");
  style.unicode = std::strcmp(::nl_langinfo(CODESET), "UTF-8") == 0;
  return style;
}

// In the sandbox's first process.
ExitCode run_scenarios(const Options& options, const ProgressLine& line) {
  const lab::Load load = options.quick ? lab::Load{.flows = 8, .datagrams = 4, .lookups = 5} : lab::Load{};
  auto report = lab::run_demo(load, [&](unsigned number, unsigned total, const lab::Scenario& scenario, bool with) {
    line.show(fmt::format("[{:>2}/{}] {}, {} ctgated ...", number, total, scenario.summary, with ? "with" : "without"));
  });
  line.clear();
  if (!report) return cli::report(report.error());
  if (options.json) {
    std::cout << report->to_json().dump(2) << '\n';
  } else {
    std::cout << lab::render_table(*report, table_style());
  }
  std::cout.flush();
  return report->clean() ? ExitCode::ok : ExitCode::problem;
}

ExitCode demo(const Options& options) {
  if (auto possible = lab::check_demo(); !possible) return report(possible.error());
  if (!options.json) {
    for (const auto& skip : lab::skipped_scenarios()) {
      std::cerr << "ctgate: skipping scenario " << skip.name << ": " << skip.reason << '\n';
    }
  }
  const ProgressLine line;
  const auto status = lab::run_isolated([&] { return static_cast<int>(run_scenarios(options, line)); });
  if (!status) return report(status.error());
  if (*status > 128) {
    line.clear();
    std::cerr << "ctgate: demo ended by signal " << *status - 128 << "; its namespaces and processes were removed\n";
  }
  return static_cast<ExitCode>(*status);
}

}  // namespace

void add_demo_command(CLI::App& app, ExitCode& exit_code) {
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand("demo", "Reproduce the problem on this kernel, then show it fixed (root, 8 s)");
  command->add_flag("--json", options->json, "Print one JSON object instead of the table");
  command->add_flag("--quick", options->quick, "Send fewer flows");
  command->footer(
      "Works in separate network namespaces, changes nothing outside them, and removes them at the end.\n"
      "Exit codes: 0 every run with ctgated was clean, 1 there was damage with ctgated too, 3 the system refused,\n"
      "128 + N ended by signal N (130 after Ctrl-C).");
  command->callback([options, &exit_code] { exit_code = demo(*options); });
}

}  // namespace ctgate::cli

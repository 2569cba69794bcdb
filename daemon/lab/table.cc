// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/lab/table.hh"

#include <fmt/format.h>

#include <string_view>

namespace ctgate::lab {
namespace {

enum class Colour { none, red, green, bold };

class Painter {
 public:
  explicit Painter(const TableStyle& style) : style_(style) {}

  // Pads first: escape sequences have no width.
  [[nodiscard]] std::string operator()(Colour colour, const std::string& text) const {
    if (!style_.colours || colour == Colour::none) return text;
    const char* code = colour == Colour::red ? "31" : colour == Colour::green ? "32" : "1";
    return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
  }

  [[nodiscard]] std::string mark(bool good) const {
    const char* text = style_.unicode ? (good ? "✓" : "✗") : (good ? "ok" : "DAMAGE");
    return (*this)(good ? Colour::green : Colour::red, text);
  }

 private:
  TableStyle style_;
};

// "12/20" in red, or a quiet 0.
std::string cell(const Painter& paint, std::uint32_t damaged, std::uint32_t of) {
  const std::string text = damaged == 0 ? "0" : fmt::format("{}/{}", damaged, of);
  return paint(damaged == 0 ? Colour::none : Colour::red, fmt::format("{:>7}", text));
}

std::string run_cells(const Painter& paint, const RunResult& run) {
  return cell(paint, run.lost, run.sent) + cell(paint, run.split_flows, run.flows) +
         cell(paint, run.out_of_order_flows, run.flows);
}

constexpr std::size_t name_width = 25;
constexpr std::size_t text_width = 100;

// Breaks lines at blanks.
std::string wrap(std::string_view text) {
  std::string wrapped;
  while (text.size() > text_width) {
    const auto blank = text.rfind(' ', text_width);
    if (blank == std::string_view::npos || blank == 0) break;
    wrapped.append(text.substr(0, blank)) += '\n';
    text.remove_prefix(blank + 1);
  }
  return wrapped.append(text);
}

}  // namespace

std::string render_table(const DemoReport& report, const TableStyle& style) {
  const Painter paint(style);
  std::string text =
      paint(Colour::bold, fmt::format("Linux {}, gate backend {}", report.kernel, report.backend)) +
      fmt::format("\nNFQUEUE verdicts after {} ms; bursts on new UDP flows\n\n", third_party_delay.count());
  text += paint(Colour::bold, fmt::format("{:<{}}{:>21}   {:>28}", "", name_width, "without ctgate", "with ctgate"));
  text += '\n';
  text += paint(Colour::bold, fmt::format("{:<{}}{:>7}{:>7}{:>7}   {:>7}{:>7}{:>7}{:>7}", "scenario", name_width,
                                          "lost", "split", "order", "lost", "split", "order", "held"));
  text += '\n';
  for (const auto& line : report.scenarios) {
    text += fmt::format("{:<{}}{}   {}{:>7}  {}\n", line.scenario.name, name_width, run_cells(paint, line.without),
                        run_cells(paint, line.with), line.with.held, paint.mark(line.with.clean()));
  }
  for (const auto& skip : report.skipped) {
    text += fmt::format("{:<{}}  skipped: {}\n", skip.name, name_width, skip.reason);
  }
  text +=
      "\nlost: datagrams without an answer; split: flows that came from several ports or reached both\n"
      "backends; order: flows that arrived out of order; held: datagrams that ctgated held\n\n";
  text += paint(report.clean() ? Colour::green : Colour::red, wrap(report.verdict()));
  return text + '\n';
}

}  // namespace ctgate::lab

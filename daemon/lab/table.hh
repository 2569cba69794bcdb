// SPDX-License-Identifier: GPL-2.0-or-later
// The demo's report for people. Pure.
#pragma once

#include <string>

#include "daemon/lab/demo.hh"

namespace ctgate::lab {

struct TableStyle {
  bool colours = false;  // ANSI escape sequences
  bool unicode = false;  // ticks and crosses, else words
};

// Heading, table, skipped scenarios and verdict, at most 100 columns wide; ends with a newline.
[[nodiscard]] std::string render_table(const DemoReport& report, const TableStyle& style);

}  // namespace ctgate::lab

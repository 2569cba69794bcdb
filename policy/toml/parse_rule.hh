// SPDX-License-Identifier: GPL-2.0-or-later
// [[rule]]. Private to the parser.
#pragma once

#include <map>

#include "policy/toml/reader.hh"

namespace ctgate {

// What all rules of a file share.
struct RuleContext {
  WaitFor wait_for = WaitFor::departure;       // of [shim]: for rules that do not say
  bool complete = true;                        // no statement was left out, so what is missing is missing
  std::map<std::string, unsigned> name_lines;  // where each name was first given
};

[[nodiscard]] Rule read_rule(const toml::table& table, std::string path, RuleContext& context, Problems& problems);

// Reports `release` where `action` makes it meaningless. For rules and for [default].
void check_release(TableReader& reader, Action action);

}  // namespace ctgate

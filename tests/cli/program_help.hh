// SPDX-License-Identifier: GPL-2.0-or-later
// What `--help` says, read by tests that compare other texts with it.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

namespace ctgate::test {

using Names = std::set<std::string>;

struct CommandHelp {
  std::string name;                             // "ctgate", "ctgate policy show", "ctgated"
  Names options;                                // long ones, "--json"; --help among them
  Names subcommands;                            // "show"
  std::map<std::string, Names> choices;         // words that an option takes, where there is a fixed list of them
  std::map<std::string, std::string> defaults;  // of options, where the help names one
};

// Every command of `ctgate`, itself first, and `ctgated` last. Throws if a program's help cannot be read.
[[nodiscard]] std::vector<CommandHelp> all_help();

}  // namespace ctgate::test

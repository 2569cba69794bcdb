// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/cli/program_help.hh"

#include <algorithm>
#include <cctype>
#include <regex>
#include <sstream>
#include <stdexcept>

#include "policy/base/run_program.hh"

namespace ctgate::test {
namespace {

std::string help_text(const std::string& program, const std::vector<std::string>& words) {
  std::vector<std::string> arguments{program};
  arguments.insert(arguments.end(), words.begin(), words.end());
  arguments.emplace_back("--help");
  const auto result = run_program(arguments);
  if (!result) throw std::runtime_error(result.error().message);
  if (result->exit_code != 0) throw std::runtime_error(program + " --help failed: " + result->output);
  return result->output;
}

Names split(const std::string& list) {
  Names names;
  std::istringstream stream(list);
  for (std::string name; std::getline(stream, name, ',');) names.insert(name);
  return names;
}

// "Options:" -> "options"; CLI11 has changed the case over the years. Empty: no heading.
std::string heading(std::string line) {
  static const std::regex shape("[A-Za-z]+:");
  if (!std::regex_match(line, shape)) return {};
  line.pop_back();
  std::transform(line.begin(), line.end(), line.begin(), [](unsigned char c) { return std::tolower(c); });
  return line;
}

CommandHelp parse(std::string name, const std::string& text) {
  // Descriptions are indented far more than names.
  static const std::regex option("^ {1,8}(?:-[a-z], *)?(--[a-z][a-z-]*)(.*)$");
  static const std::regex subcommand("^ {1,8}([a-z][a-z-]*)( .*)?$");
  static const std::regex preset(R"(^ [A-Z|]+ ?[=\[]([^ \]]+)\]?( .*)?$)");  // DIR=/run, of later versions DIR [/run]
  static const std::regex list(R"(\{([^}]*)\})");
  CommandHelp help;
  help.name = std::move(name);
  std::istringstream lines(text);
  std::string section;
  for (std::string line; std::getline(lines, line);) {
    if (const auto title = heading(line); !title.empty()) section = title;
    std::smatch match, choices, found;
    if (section == "options" && std::regex_match(line, match, option)) {
      help.options.insert(match[1]);
      const std::string rest = match[2];
      if (std::regex_search(rest, choices, list)) help.choices[match[1]] = split(choices[1]);
      if (std::regex_match(rest, found, preset)) help.defaults[match[1]] = found[1];
    } else if (section == "subcommands" && std::regex_match(line, match, subcommand)) {
      help.subcommands.insert(match[1]);
    } else if (line.empty()) {
      section.clear();
    }
  }
  return help;
}

void walk(const std::vector<std::string>& words, std::vector<CommandHelp>& all) {
  std::string name = "ctgate";
  for (const auto& word : words) name += " " + word;
  all.push_back(parse(name, help_text(CTGATE, words)));
  const Names subcommands = all.back().subcommands;
  for (const auto& subcommand : subcommands) {
    auto longer = words;
    longer.push_back(subcommand);
    walk(longer, all);
  }
}

}  // namespace

std::vector<CommandHelp> all_help() {
  std::vector<CommandHelp> all;
  walk({}, all);
  all.push_back(parse("ctgated", help_text(CTGATED, {})));
  return all;
}

}  // namespace ctgate::test

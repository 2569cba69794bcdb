// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/rules/iptables_rule_set.hh"

#include <fmt/format.h>

#include <sstream>

#include "daemon/rules/render_iptables.hh"
#include "policy/base/run_program.hh"

namespace ctgate::rules {
namespace {

std::string program(Family family, std::string_view suffix = "") {
  return fmt::format("{}{}", family == Family::ipv4 ? "iptables" : "ip6tables", suffix);
}

Expected<void> restore(Family family, const std::string& payload, bool test_only = false) {
  std::vector<std::string> arguments{program(family, "-restore"), "--noflush", "-w"};
  if (test_only) arguments.emplace_back("--test");
  const auto result = run_program(arguments, {.input = payload});
  if (!result) return tl::unexpected(result.error());
  if (result->exit_code == 0) return {};
  return system_error(fmt::format("{} failed: {}", arguments[0], result->output));
}

bool succeeds(const std::vector<std::string>& arguments) {
  const auto result = run_program(arguments);
  return result && result->exit_code == 0;
}

bool has_chain(Family family) {
  return succeeds({program(family), "-w", "-t", "raw", "-S", std::string(prerouting_chain)});
}

// `operation`: -C asks for the jump, -D deletes one of them.
bool jump_command(Family family, const char* operation, const Jump& jump) {
  return succeeds(
      {program(family), "-w", "-t", "raw", operation, std::string(jump.from), "-p", "udp", "-j", std::string(jump.to)});
}

std::vector<Jump> missing_jumps(Family family) {
  std::vector<Jump> missing;
  for (const auto& jump : jumps) {
    if (!jump_command(family, "-C", jump)) missing.push_back(jump);
  }
  return missing;
}

// Each as often as it is there: an interrupted repair, or somebody else, may have doubled one.
void delete_jumps(Family family) {
  for (const auto& jump : jumps) {
    while (jump_command(family, "-D", jump)) {
    }
  }
}

Expected<void> remove_chains(Family family) {
  delete_jumps(family);
  return restore(family, render_iptables_removal());
}

// Our lines of the raw table, without counters.
std::string listing(Family family) {
  const auto saved = run_program({program(family, "-save"), "-t", "raw"});
  if (!saved) return {};
  std::string ours;
  std::istringstream lines(saved->output);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("-A ") && line.find("CTGATE_") != std::string::npos) ours += line + "\n";
  }
  return ours;
}

}  // namespace

Expected<std::unique_ptr<IptablesRuleSet>> IptablesRuleSet::probe(const Policy& policy) {
  auto rules = std::make_unique<IptablesRuleSet>();
  Error reason;
  for (const Family family : both_families) {
    if (auto taken = restore(family, render_iptables(policy, family, {}), true); taken) {
      rules->families_.push_back(family);
    } else if (family == Family::ipv4) {
      reason = taken.error();
    }
  }
  if (rules->families_.empty()) return tl::unexpected(reason);
  return rules;
}

Expected<void> IptablesRuleSet::install(const Policy& policy) {
  std::vector<Family> added;
  Expected<void> result;
  for (const Family family : families_) {
    const bool existed = has_chain(family);
    result = restore(family, render_iptables(policy, family, missing_jumps(family)));
    if (!result) break;
    if (!existed) added.push_back(family);
  }
  if (!result) {
    for (const Family family : added) (void)remove_chains(family);
    return result;
  }
  installed_.clear();
  for (const Family family : families_) installed_ += listing(family);
  return {};
}

Expected<void> IptablesRuleSet::withdraw() {
  installed_.clear();
  Expected<void> result;
  for (const Family family : families_) {
    delete_jumps(family);
    if (auto done = restore(family, render_iptables_withdraw()); !done) result = done;
  }
  return result;
}

RuleState IptablesRuleSet::state() {
  std::string now;
  for (const Family family : families_) now += listing(family);
  return now == installed_ ? RuleState::intact : RuleState::modified;
}

Expected<std::vector<std::string>> remove_iptables_chains() {
  std::vector<std::string> removed;
  for (const Family family : both_families) {
    if (!has_chain(family)) continue;
    if (auto done = remove_chains(family); !done) return tl::unexpected(done.error());
    removed.push_back(fmt::format("{} raw chains {} and {}", program(family), prerouting_chain, output_chain));
  }
  return removed;
}

}  // namespace ctgate::rules

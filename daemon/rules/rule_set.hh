// SPDX-License-Identifier: GPL-2.0-or-later
// The installed rule set; `ctgated` and the ctgate command call it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/rules/backend.hh"
#include "policy/address.hh"
#include "policy/base/error.hh"
#include "policy/policy.hh"

namespace ctgate::rules {

enum class RuleState {
  intact,
  modified,
  unknown,  // other programs changed rules while these were installed, so there was nothing to be certain of
};

struct SetFill {
  std::string name;
  Family family = Family::ipv4;
  std::uint64_t elements = 0;
  std::uint64_t size = 0;  // most that it takes
};

// What the rules themselves know; empty where the backend keeps no such thing.
struct RuleSetFigures {
  // New flows whose datagrams passed ungated since the table was made.
  std::optional<std::uint64_t> ungated_full;    // a set was full, or was being enlarged
  std::optional<std::uint64_t> ungated_source;  // their source began more than gate.new_flows_per_source
  std::vector<SetFill> sets;
};

// Every call works in the network namespace of the calling thread and takes effect completely or not at all.
class RuleSet {
 public:
  virtual ~RuleSet() = default;
  [[nodiscard]] virtual Backend backend() const = 0;

  // Makes the kernel follow `policy`; also after a crash, a partial removal by others, or as a change of a running
  // rule set. Never removes a base chain. On error what this object had added is gone again.
  [[nodiscard]] virtual Expected<void> install(const Policy& policy) = 0;

  // Stops queueing. What must not be removed stays, without effect: base chains and one rule that keeps conntrack's
  // hooks registered. Unregistering a hook drops what waits in every queue of the namespace, other programs' too.
  [[nodiscard]] virtual Expected<void> withdraw() = 0;

  [[nodiscard]] virtual RuleSetFigures figures() { return {}; }

  // Whether the rules are still as install() left them.
  [[nodiscard]] virtual RuleState state() = 0;
};

// The first backend that `setting` allows and the kernel takes; nothing is installed yet. The error says what each
// backend lacks.
[[nodiscard]] Expected<std::unique_ptr<RuleSet>> choose_rule_set(BackendSetting setting, const Policy& policy);

// How long a flow may count as confirmed after its last sign: 20 s, or less where
// net.netfilter.nf_conntrack_udp_timeout is short, since the entry must live longer.
[[nodiscard]] std::chrono::seconds confirmed_timeout();

// The commands that install() would run for `policy`, as an administrator would read them.
[[nodiscard]] std::string print_rules(Backend backend, const Policy& policy);

// Removes every trace, including those of backends not in use: for the removal of the package. Drops what waits in the
// queues of the namespace. Returns what was removed, one line each. ExitCode::problem while a ctgated serves the
// namespace, ExitCode::system without the right to see that.
[[nodiscard]] Expected<std::vector<std::string>> remove_everything();

}  // namespace ctgate::rules

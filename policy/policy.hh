// SPDX-License-Identifier: GPL-2.0-or-later
// The policy: which flows are gated and within which limits. A plain value; knows no sockets and no netlink.
// Every default is defined here, once; an absent file is a valid policy and equals `Policy{}`.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "policy/address.hh"

namespace ctgate {

using Milliseconds = std::chrono::milliseconds;

enum class Action { gate, pass };
enum class Direction { any, output, forward, input };
enum class Release { confirmed, replied };  // what lets the followers of a flow go
// What the policy asks for; what is in use is a rules::Backend.
enum class BackendSetting { automatic, nftables, iptables };
enum class WaitFor { departure, reply, delay };
enum class Resolver { automatic, libc, c_ares, off };
enum class LibcOption { single_request, single_request_reopen };  // of resolv.conf(5)

// The words of the TOML file ("auto", "c-ares", ...).
[[nodiscard]] std::string_view to_string(Action value);
[[nodiscard]] std::string_view to_string(Direction value);
[[nodiscard]] std::string_view to_string(Release value);
[[nodiscard]] std::string_view to_string(BackendSetting value);
[[nodiscard]] std::string_view to_string(WaitFor value);
[[nodiscard]] std::string_view to_string(Resolver value);
[[nodiscard]] std::string_view to_string(LibcOption value);

// Inclusive range of UDP ports, first <= last.
struct PortRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0;
  bool operator==(const PortRange&) const = default;
};

// Packet marks: those whose bits of `mask` are `value`, which has no other bits.
struct MarkMatch {
  std::uint32_t value = 0;
  std::uint32_t mask = 0xffffffff;
  bool operator==(const MarkMatch&) const = default;
};

struct Rule {
  std::string name;                          // unique within the policy
  std::vector<PortRange> destination_ports;  // empty: every port
  std::vector<Cidr> destinations;            // empty: every address of both families
  Direction direction = Direction::any;
  std::vector<std::string> interfaces;  // names, or a prefix followed by one trailing '*'; empty: every interface.
                                        // The incoming interface before routing, the outgoing one for local senders
  std::vector<std::uint32_t> users;     // numeric ids, names are resolved on reading; only local senders match
  std::vector<MarkMatch> marks;         // as they are before conntrack, after the raw table; empty: every mark
  Action action = Action::gate;
  Release release = Release::confirmed;
  // Per-rule shim keys.
  WaitFor wait_for = WaitFor::departure;  // a file's rules without the key have that of [shim]
  bool operator==(const Rule&) const = default;
};

struct GateLimits {
  Milliseconds max_hold{30000};       // 1 ms to 30 s: how long a follower waits for a leader that may wait elsewhere
  std::uint32_t max_promotions = 3;   // 0 to 100: after these all held followers of the flow are let go
  std::uint32_t held_per_flow = 512;  // 1 to 65536
  std::uint32_t held_total = 8192;    // 1 to 65536 and at least held_per_flow; that default follows
  std::uint32_t new_flows_per_source = 1000;  // 1 to 1000000 a second, twice as many at once; more pass ungated
  bool operator==(const GateLimits&) const = default;
};

struct DaemonOptions {
  std::uint16_t queue = 5380;  // first NFQUEUE number
  std::uint16_t queues = 1;    // 1 to 64: queues queue .. queue+queues-1, and queue+queues where a rule says "replied"
  BackendSetting backend = BackendSetting::automatic;
  bool operator==(const DaemonOptions&) const = default;
};

struct ShimOptions {
  Milliseconds max_wait{100};  // 1 ms to 10 s
  WaitFor wait_for = WaitFor::departure;
  Resolver resolver = Resolver::automatic;
  LibcOption libc_option = LibcOption::single_request;  // what libc's resolver is told, unless the resolver is off
  std::vector<std::string> skip_programs;               // absolute paths
  bool operator==(const ShimOptions&) const = default;
};

struct Policy {
  GateLimits gate;
  DaemonOptions daemon;
  ShimOptions shim;
  std::vector<Rule> rules;  // tried in order, the first match wins
  Action default_action = Action::gate;
  Release default_release = Release::confirmed;
  std::vector<std::string> notes;  // about keys of the file that do nothing any more, a line each
  bool operator==(const Policy&) const = default;

  // Whether any rule, or the default, waits for the first answer.
  [[nodiscard]] bool waits_for_replies() const;
};

inline constexpr std::string_view default_policy_path = "/etc/ctgate/policy.toml";

}  // namespace ctgate

// SPDX-License-Identifier: GPL-2.0-or-later
// The demo's scenarios: what is set up in each, and one run of one of them.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "policy/address.hh"
#include "policy/base/error.hh"

namespace ctgate::lab {

enum class Nat { none, masquerade, masquerade_fully_random, dnat_two_backends };

struct Scenario {
  std::string_view name;
  std::string_view summary;  // for people, a few words
  Family family = Family::ipv4;
  Nat nat = Nat::none;
  bool from_gateway = false;                  // the sender is the gateway itself: OUTPUT instead of FORWARD
  bool resolver = false;                      // lookups against dnsmasq instead of bursts
  std::chrono::milliseconds answer_delay{0};  // of the servers
};

[[nodiscard]] std::span<const Scenario> scenarios();

// How much traffic a run sends.
struct Load {
  std::uint32_t flows = 20;
  std::uint32_t datagrams = 4;  // of each flow, back to back
  std::uint32_t lookups = 12;
};

inline constexpr std::chrono::milliseconds third_party_delay{2};

struct RunResult {
  std::uint32_t flows = 0;
  std::uint32_t sent = 0;
  std::uint32_t answered = 0;
  std::uint32_t lost = 0;
  std::uint32_t split_flows = 0;
  std::uint32_t out_of_order_flows = 0;
  std::uint64_t clash_resolve = 0;
  std::uint64_t insert_failed = 0;
  std::uint64_t held = 0;  // by ctgated; 0 without it
  std::string backend;     // ctgated's; empty without it

  [[nodiscard]] bool clean() const { return lost == 0 && split_flows == 0 && out_of_order_flows == 0; }
};

// Runs the scenario in its own network, with or without ctgated on the gateway. Inside a sandbox (sandbox.hh).
[[nodiscard]] Expected<RunResult> run_scenario(const Scenario& scenario, const Load& load, bool with_ctgated);

}  // namespace ctgate::lab

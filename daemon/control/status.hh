// SPDX-License-Identifier: GPL-2.0-or-later
// What `ctgate status` shows, as JSON with keys in snake_case. Counters end in _total and only rise.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "daemon/ctgated/keeper/lane.hh"
#include "policy/policy.hh"

namespace ctgate::daemon {

// What the keeper counts itself.
struct Lineage {
  std::uint64_t worker_restarts = 0;
  std::uint64_t rules_restored = 0;
  std::uint64_t reloads = 0;
  std::uint64_t failed_reloads = 0;
};

struct StatusFacts {
  std::string_view state;  // "running" or "stopping"
  std::string_view backend;
  std::string network_namespace;
  std::string policy_path;
  const Lineage& lineage;
  const std::vector<std::unique_ptr<Lane>>& lanes;
};

// One line.
[[nodiscard]] std::string status_json(const StatusFacts& facts);

}  // namespace ctgate::daemon

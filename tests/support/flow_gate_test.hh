// SPDX-License-Identifier: GPL-2.0-or-later
// Fixture of the tests of FlowGate: a gate, and the test's own clock.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "daemon/gate/flow_gate.hh"
#include "tests/support/flows.hh"

namespace ctgate::test {

using namespace std::chrono_literals;

class FlowGateTest : public ::testing::Test {
 protected:
  FlowGate& gate() {
    if (!gate_) gate_.emplace(config, 42);
    return *gate_;
  }
  Time at(Duration since_start) const { return Time{} + 1h + since_start; }

  // Each gives the ids released by that one call.
  std::vector<std::uint32_t> admit(const FlowKey& key, std::uint32_t id, Duration now) {
    return call([&](Decisions& decisions) { gate().admit(key, PacketId{id}, at(now), decisions); });
  }
  std::vector<std::uint32_t> confirmed(const FlowKey& key, Duration now) {
    return call([&](Decisions& decisions) { gate().confirmed(key, at(now), decisions); });
  }
  std::vector<std::uint32_t> replied(const FlowKey& key, Duration now) {
    return call([&](Decisions& decisions) { gate().replied(key, at(now), decisions); });
  }
  std::vector<std::uint32_t> absent(const FlowKey& key, Duration now) {
    return call([&](Decisions& decisions) { gate().absent(key, at(now), decisions); });
  }
  std::vector<std::uint32_t> expire(Duration now) {
    return call([&](Decisions& decisions) { gate().expire(at(now), decisions); });
  }

  template <typename Call>
  std::vector<std::uint32_t> call(Call&& body) {
    Decisions decisions;
    body(decisions);
    std::vector<std::uint32_t> ids;
    for (const auto& packet : decisions.released) ids.push_back(packet.id.value);
    lookups = decisions.lookups;
    released = decisions.released;
    return ids;
  }

  using Ids = std::vector<std::uint32_t>;
  GateConfig config;
  std::vector<FlowKey> lookups;          // of the last call
  std::vector<ReleasedPacket> released;  // of the last call

 private:
  std::optional<FlowGate> gate_;
};

}  // namespace ctgate::test

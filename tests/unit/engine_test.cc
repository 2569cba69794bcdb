// SPDX-License-Identifier: GPL-2.0-or-later
// The whole decision path with a kernel of the test's own.
#include "daemon/gate/engine.hh"

#include <gtest/gtest.h>

#include <map>

#include "tests/support/flows.hh"

namespace ctgate {
namespace {

using namespace std::chrono_literals;
using test::flow;

class FakeConntrack final : public ConntrackView {
 public:
  bool drain(const std::function<void(const ConntrackChange&)>& each) override {
    const auto waiting = std::exchange(events, {});
    for (const auto& change : waiting) each(change);
    return !std::exchange(lost, false);
  }
  FlowState lookup(const FlowKey& key) override {
    ++lookups;
    return entries.contains(key) ? entries[key] : FlowState::none;
  }

  std::vector<ConntrackChange> events;
  bool lost = false;
  std::map<FlowKey, FlowState> entries;
  int lookups = 0;
};

class FakeVerdicts final : public VerdictSink {
 public:
  void write(const VerdictPlan& plan) override {
    if (plan.accept_up_to) batches.push_back(plan.accept_up_to->value);
    for (const auto id : plan.accept) single.push_back(id.value);
    if (on_write) std::exchange(on_write, nullptr)();
  }
  std::vector<std::uint32_t> batches, single;
  std::function<void()> on_write;  // what the released datagrams cause on their way through the stack
};

class EngineTest : public ::testing::Test {
 protected:
  void queue(std::initializer_list<QueuedPacket> packets) {
    const std::vector<QueuedPacket> batch(packets);
    engine.packets(batch, now);
  }
  static ConntrackChange change(const FlowKey& original, FlowState state = FlowState::confirmed) {
    FlowKey reply = original;
    std::swap(reply.source, reply.destination);
    std::swap(reply.source_port, reply.destination_port);
    return {original, reply, state};
  }

  Time now = Time{} + 1h;
  FakeConntrack conntrack;
  FakeVerdicts verdicts;
  Engine engine{GateConfig{}, 1, verdicts, conntrack};
};

TEST_F(EngineTest, FollowerOfAKnownFlowPassesInTheSameTurn) {
  conntrack.entries[flow(1)] = FlowState::confirmed;
  queue({{PacketId{1}, flow(1)}});
  EXPECT_EQ(verdicts.single, std::vector<std::uint32_t>{1});
  EXPECT_EQ(engine.counters().lookups, 1U);
}

TEST_F(EngineTest, EventThatWasThereBeforeTheHoldIsNotNeeded) {
  queue({{PacketId{1}, flow(1)}, {PacketId{2}, flow(1)}});
  EXPECT_TRUE(verdicts.single.empty() && verdicts.batches.empty());
  conntrack.events = {change(flow(1))};
  engine.wake(now + 1ms);
  EXPECT_EQ(verdicts.batches, std::vector<std::uint32_t>{2});
}

TEST_F(EngineTest, EventsThatAVerdictCausesAreHandledInTheSameTurn) {
  queue({{PacketId{1}, flow(1)}});
  verdicts.on_write = [&] { conntrack.events = {change(flow(1))}; };
  queue({{PacketId{2}, std::nullopt}});  // unparsed: accepted, and its verdict confirms flow 1
  EXPECT_EQ(verdicts.single, (std::vector<std::uint32_t>{2, 1}));
  EXPECT_EQ(engine.counters().unparsed, 1U);
}

TEST_F(EngineTest, EventReleasesTheAnswersFlowToo) {
  const auto entry = change(flow(1));
  queue({{PacketId{1}, entry.reply}});
  conntrack.events = {entry};
  engine.wake(now);
  EXPECT_EQ(verdicts.single, std::vector<std::uint32_t>{1});
}

TEST_F(EngineTest, LostEventsAreMadeUpForByLookups) {
  queue({{PacketId{1}, flow(1)}, {PacketId{2}, flow(2)}});
  conntrack.lost = true;
  conntrack.entries[flow(2)] = FlowState::replied;
  engine.wake(now + 1ms);
  EXPECT_EQ(verdicts.single, std::vector<std::uint32_t>{2});
  EXPECT_EQ(engine.counters().event_overruns, 1U);
  EXPECT_EQ(engine.gate().held(), 1U);
}

TEST_F(EngineTest, HoldTimesAreCountedInTheirBuckets) {
  queue({{PacketId{1}, flow(1)}});
  conntrack.events = {change(flow(1))};
  engine.wake(now + 2ms);
  ASSERT_EQ(hold_bounds[5], 2500us);
  EXPECT_EQ(engine.histogram()[5], 1U);
}

TEST_F(EngineTest, StopLetsEverythingGo) {
  queue({{PacketId{1}, flow(1)}, {PacketId{2}, flow(2)}});
  engine.release_all(now + 1ms);
  EXPECT_EQ(verdicts.batches, std::vector<std::uint32_t>{2});
  EXPECT_EQ(engine.gate().held(), 0U);
  EXPECT_EQ(engine.next_deadline(), std::nullopt);
}

}  // namespace
}  // namespace ctgate

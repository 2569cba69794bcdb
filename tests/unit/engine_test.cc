// SPDX-License-Identifier: GPL-2.0-or-later
// The whole decision path with the test's own kernel.
#include "daemon/gate/engine.hh"

#include <gtest/gtest.h>

#include <algorithm>
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
    if (always_loses) return false;
    return !std::exchange(lost, false);
  }
  EntryState lookup(const FlowKey& key) override {
    ++lookups;
    return entries.contains(key) ? entries[key] : EntryState::none;
  }

  std::vector<ConntrackChange> events;
  bool lost = false;
  bool always_loses = false;
  std::map<FlowKey, EntryState> entries;
  int lookups = 0;
};

class FakeVerdicts final : public VerdictSink {
 public:
  void write(const VerdictPlan& plan) override {
    if (plan.accept_up_to) batches.push_back(plan.accept_up_to->value);
    for (const auto id : plan.accept_first) single.push_back(id.value);
    for (const auto id : plan.accept) single.push_back(id.value);
    most_at_once = std::max(most_at_once, plan.accept.size());
    if (on_write) std::exchange(on_write, nullptr)();
  }
  std::vector<std::uint32_t> batches, single;
  std::size_t most_at_once = 0;
  std::function<void()> on_write;  // what the released datagrams cause on their way through the stack
};

class FakeQueues final : public QueueView {
 public:
  std::optional<std::span<const ForeignQueue>> read() override {
    ++reads;
    if (!readable) return std::nullopt;
    return queues;
  }
  std::vector<ForeignQueue> queues;
  bool readable = true;
  int reads = 0;
};

class EngineTest : public ::testing::Test {
 protected:
  void queue(std::initializer_list<QueuedPacket> packets) {
    const std::vector<QueuedPacket> batch(packets);
    engine.packets(batch, now);
  }
  static ConntrackChange change(const FlowKey& original, EntryState state = EntryState::confirmed) {
    FlowKey reply = original;
    std::swap(reply.source, reply.destination);
    std::swap(reply.source_port, reply.destination_port);
    return {original, reply, state};
  }

  Time now = Time{} + 1h;
  FakeConntrack conntrack;
  FakeVerdicts verdicts;
  std::size_t signs_of_life = 0;
  FakeQueues queues;
  Engine engine{GateConfig{}, 1, verdicts, conntrack, queues, [this] { ++signs_of_life; }};
};

TEST_F(EngineTest, FollowerOfAKnownFlowPassesInTheSameTurn) {
  conntrack.entries[flow(1)] = EntryState::confirmed;
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
  conntrack.entries[flow(2)] = EntryState::replied;
  engine.wake(now + 1ms);
  EXPECT_EQ(verdicts.single, std::vector<std::uint32_t>{2});
  EXPECT_EQ(engine.counters().event_overruns, 1U);
  EXPECT_EQ(engine.gate().held(), 1U);
}

TEST_F(EngineTest, ViewThatLosesEventsEachTimeDoesNotKeepTheTurn) {
  conntrack.always_loses = true;
  queue({{PacketId{1}, flow(1)}});
  EXPECT_EQ(conntrack.lookups, Engine::max_rounds);
  ASSERT_TRUE(engine.next_deadline()) << "the rest is due at once";
  EXPECT_LE(*engine.next_deadline(), now);

  conntrack.always_loses = false;
  conntrack.entries[flow(1)] = EntryState::confirmed;
  engine.wake(now);
  EXPECT_EQ(verdicts.single, std::vector<std::uint32_t>{1});
  EXPECT_GT(*engine.next_deadline(), now);
}

TEST_F(EngineTest, LongTurnShowsSignsOfLife) {
  GateConfig config;
  config.limits.held_total = 65536;
  engine.configure(config);
  constexpr std::uint32_t flows = 20'000;
  std::vector<QueuedPacket> batch;
  for (std::uint32_t i = 0; i < flows; ++i) {
    batch.push_back({PacketId{i + 1}, flow(static_cast<std::uint16_t>(i + 1))});
    // Every second one is known, so its datagram cannot go with a batch verdict.
    if (i % 2 == 1) conntrack.entries[*batch.back().flow] = EntryState::confirmed;
  }
  engine.packets(batch, now);
  EXPECT_EQ(verdicts.single.size(), flows / 2);
  EXPECT_LE(verdicts.most_at_once, Engine::verdicts_a_write);
  EXPECT_GE(signs_of_life, flows / Engine::lookups_between_signs + flows / 2 / Engine::verdicts_a_write);
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

class EngineSeesQueues : public EngineTest {
 protected:
  EngineSeesQueues() {
    GateConfig config;
    config.sees_queues = true;
    engine.configure(config);
  }
  void wake_until(Duration end) {
    for (auto due = engine.next_deadline(); due && *due <= now + end; due = engine.next_deadline()) engine.wake(*due);
  }
};

TEST_F(EngineSeesQueues, LeaderThatWaitsNowhereIsGivenUpWithoutAnEvent) {
  queue({{PacketId{1}, flow(1)}, {PacketId{2}, flow(1)}});
  wake_until(7ms);
  EXPECT_EQ(verdicts.single, std::vector<std::uint32_t>{1}) << "the second one waits for the first";
  EXPECT_EQ(engine.counters().leaders_gone, 1U);
}

TEST_F(EngineSeesQueues, QueuesThatCanNotBeReadSayNothing) {
  queues.readable = false;
  queue({{PacketId{1}, flow(1)}});
  wake_until(1s);
  EXPECT_GT(queues.reads, 20);
  EXPECT_LT(queues.reads, 200);
  EXPECT_TRUE(verdicts.single.empty());
}

TEST_F(EngineSeesQueues, VerdictThatFindsNothingEndsTheFlow) {
  queue({{PacketId{1}, flow(1)}, {PacketId{2}, flow(1)}});
  wake_until(10ms);
  engine.vanished(std::vector{PacketId{1}});
  EXPECT_EQ(engine.gate().held(), 0U);
}

}  // namespace
}  // namespace ctgate

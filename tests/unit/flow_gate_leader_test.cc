// SPDX-License-Identifier: GPL-2.0-or-later
// Flows whose entry is gone, and leaders that are, with the test's own clock.
#include "tests/support/flow_gate_test.hh"

namespace ctgate {
namespace {

using test::flow;
using test::FlowGateTest;
using namespace std::chrono_literals;

// --- open flows are looked up again ---

TEST_F(FlowGateTest, OpenFlowIsLookedUpAgainNowAndThen) {
  admit(flow(1), 10, 0ms);
  confirmed(flow(1), 1ms);
  EXPECT_EQ(admit(flow(1), 11, 5ms), Ids{11});
  EXPECT_EQ(admit(flow(1), 12, 6ms), Ids{});
  EXPECT_EQ(lookups, std::vector{flow(1)});
  EXPECT_EQ(confirmed(flow(1), 6ms), Ids{12});
  EXPECT_EQ(admit(flow(1), 13, 10ms), Ids{13});
}

TEST_F(FlowGateTest, OpenFlowWhoseEntryIsGoneIsGatedAgain) {
  admit(flow(1), 10, 0ms);
  confirmed(flow(1), 1ms);
  admit(flow(1), 11, 100ms);
  EXPECT_EQ(absent(flow(1), 100ms), Ids{});
  EXPECT_EQ(admit(flow(1), 12, 101ms), Ids{});
  EXPECT_EQ(confirmed(flow(1), 104ms), (Ids{11, 12}));
}

// Several come in one batch, and the lookup only after them.
TEST_F(FlowGateTest, WhereLeadersAreSeenTheFirstOfABatchIsTheNewLeader) {
  config.sees_leaders = true;
  admit(flow(1), 10, 0ms);
  confirmed(flow(1), 1ms);
  EXPECT_EQ(admit(flow(1), 11, 10s), Ids{});
  EXPECT_EQ(admit(flow(1), 12, 10s), Ids{});
  EXPECT_EQ(absent(flow(1), 10s), Ids{11});
  EXPECT_EQ(confirmed(flow(1), 10s + 2ms), Ids{12});
}

// --- leaders that are gone ---

class QueuesAreSeen : public FlowGateTest {
 protected:
  QueuesAreSeen() { config.sees_queues = true; }
  // Probes every millisecond from `from` to `to`, and what the lookups that this asks for find: nothing.
  Ids probed(Duration from, Duration to, const std::vector<ForeignQueue>& queues = {}) {
    Ids all;
    for (Duration now = from; now <= to; now += 1ms) {
      call([&](Decisions& decisions) { gate().probed(queues, at(now), decisions); });
      for (const auto& key : std::vector(lookups)) {
        for (const auto id : absent(key, now)) all.push_back(id);
      }
    }
    return all;
  }
  const std::vector<ForeignQueue> one_waits{{.number = 1, .waiting = 1, .last_id = 7}};
};

TEST_F(QueuesAreSeen, LeaderThatWaitsNowhereIsGivenUpAfterMilliseconds) {
  admit(flow(1), 10, 0ms);
  admit(flow(1), 11, 0ms);
  EXPECT_EQ(gate().next_deadline(), at(1ms));
  EXPECT_EQ(probed(1ms, 4ms), Ids{});
  EXPECT_EQ(probed(5ms, 5ms), Ids{10});
  EXPECT_EQ(gate().counters().leaders_gone, 1U);
  EXPECT_EQ(confirmed(flow(1), 7ms), Ids{11});
}

TEST_F(QueuesAreSeen, LeaderThatMayWaitIsWaitedForUntilMaxHold) {
  admit(flow(1), 10, 0ms);
  EXPECT_EQ(probed(1ms, 2000ms, one_waits), Ids{});
  EXPECT_EQ(expire(29s), Ids{});
  EXPECT_EQ(expire(30s), Ids{10});
  EXPECT_EQ(gate().counters().leaders_gone, 0U);
}

TEST_F(QueuesAreSeen, LeaderThatWasSeenWaitingAMomentAgoMayBeOnItsWay) {
  admit(flow(1), 10, 0ms);
  EXPECT_EQ(probed(1ms, 10ms, one_waits), Ids{});
  EXPECT_EQ(probed(11ms, 14ms), Ids{});
  EXPECT_EQ(probed(15ms, 15ms), Ids{10});
}

TEST_F(QueuesAreSeen, LookupHasTheLastWord) {
  admit(flow(1), 10, 0ms);
  for (const auto now : {1ms, 3ms, 5ms}) {
    call([&](Decisions& decisions) { gate().probed({}, at(now), decisions); });
  }
  EXPECT_EQ(lookups, std::vector{flow(1)});
  EXPECT_EQ(confirmed(flow(1), 5ms), Ids{10});
  EXPECT_EQ(gate().counters().promoted, 0U);
}

TEST_F(QueuesAreSeen, OneProbeServesAllFlowsAndComesMoreSeldomWithTime) {
  admit(flow(1), 10, 0ms);
  admit(flow(2), 11, 0ms);
  call([&](Decisions& decisions) { gate().probed(one_waits, at(1ms), decisions); });
  EXPECT_EQ(gate().next_deadline(), at(2ms));
  call([&](Decisions& decisions) { gate().probed(one_waits, at(80ms), decisions); });
  EXPECT_EQ(gate().next_deadline(), at(90ms));
  expire(300ms);  // the second lookup
  call([&](Decisions& decisions) { gate().probed(one_waits, at(2s), decisions); });
  EXPECT_EQ(gate().next_deadline(), at(2050ms));
}

TEST_F(QueuesAreSeen, NothingIsProbedWhileNothingIsHeld) {
  admit(flow(1), 10, 0ms);
  confirmed(flow(1), 1ms);
  EXPECT_EQ(gate().next_deadline(), at(1ms + FlowGate::open_after_confirmation));
}

TEST_F(QueuesAreSeen, AnswersAreWaitedForAsLongAsBefore) {
  config.release = Release::replied;
  admit(flow(1), 10, 0ms);
  EXPECT_EQ(probed(1ms, 100ms), Ids{});
  EXPECT_EQ(expire(1s), Ids{10});
}

TEST_F(QueuesAreSeen, WhatVanishedWithThePromotedOneIsForgotten) {
  for (std::uint32_t id = 10; id < 13; ++id) admit(flow(1), id, 0ms);
  EXPECT_EQ(probed(1ms, 5ms), Ids{10});
  gate().vanished(PacketId{10});
  EXPECT_EQ(gate().held(), 0U);
  EXPECT_EQ(gate().counters().vanished, 3U);
  EXPECT_EQ(gate().flows(), 0U);
  admit(flow(1), 13, 500ms);
  EXPECT_EQ(probed(501ms, 505ms), Ids{13});
}

TEST_F(QueuesAreSeen, VerdictForSomethingElseThatIsGoneMeansNothing) {
  admit(flow(1), 10, 0ms);
  gate().vanished(PacketId{10});
  gate().vanished(PacketId{99});
  EXPECT_EQ(gate().held(), 1U);
}

// A consumer that queues new flows only would take as long again for each follower.
TEST_F(QueuesAreSeen, AfterASlowVerdictTheAnswerIsWaitedForToo) {
  admit(flow(1), 10, 0ms);
  EXPECT_EQ(confirmed(flow(1), 2s), Ids{});
  EXPECT_EQ(replied(flow(1), 2s + 5ms), Ids{10});
}

TEST_F(QueuesAreSeen, ButNoLongerThanATwentieth) {
  admit(flow(1), 10, 0ms);
  EXPECT_EQ(confirmed(flow(1), 2s), Ids{});
  EXPECT_EQ(expire(2s + 99ms), Ids{});
  EXPECT_EQ(lookups, std::vector{flow(1)});
  EXPECT_EQ(expire(2s + 100ms), Ids{10});
}

}  // namespace
}  // namespace ctgate

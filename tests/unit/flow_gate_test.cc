// SPDX-License-Identifier: GPL-2.0-or-later
// The gate's rules, one by one, with the test's own clock. What it makes of other queues: flow_gate_leader_test.cc
#include "tests/support/flow_gate_test.hh"

namespace ctgate {
namespace {

using test::flow;
using test::FlowGateTest;
using namespace std::chrono_literals;

TEST_F(FlowGateTest, FollowersWaitForTheConfirmationAndGoInOrder) {
  EXPECT_EQ(admit(flow(1), 10, 0ms), Ids{});
  EXPECT_EQ(admit(flow(1), 11, 1ms), Ids{});
  EXPECT_EQ(gate().held(), 2U);
  EXPECT_EQ(confirmed(flow(1), 5ms), (Ids{10, 11}));
  EXPECT_EQ(released[0].held, Duration(5ms));
  EXPECT_EQ(released[1].held, Duration(4ms));
  EXPECT_EQ(gate().held(), 0U);
}

TEST_F(FlowGateTest, FirstFollowerIsLookedUpTheNextAreNot) {
  admit(flow(1), 10, 0ms);
  EXPECT_EQ(lookups, std::vector{flow(1)});
  admit(flow(1), 11, 1ms);
  EXPECT_TRUE(lookups.empty());
}

TEST_F(FlowGateTest, FollowersOfAConfirmedFlowPassAtOnce) {
  admit(flow(1), 10, 0ms);
  confirmed(flow(1), 1ms);
  EXPECT_EQ(admit(flow(1), 11, 2ms), Ids{11});
  EXPECT_EQ(released[0].held, std::nullopt);
  EXPECT_EQ(gate().counters().held, 1U);
}

TEST_F(FlowGateTest, ConfirmedFlowIsForgottenAfterAWhileAndGatedAnew) {
  admit(flow(1), 10, 0ms);
  confirmed(flow(1), 1ms);
  EXPECT_EQ(expire(1ms + FlowGate::open_after_confirmation), Ids{});
  EXPECT_EQ(gate().flows(), 0U);
  EXPECT_EQ(admit(flow(1), 11, 2s), Ids{});
}

TEST_F(FlowGateTest, FlowsDoNotTouchEachOther) {
  admit(flow(1), 10, 0ms);
  admit(flow(2), 11, 0ms);
  EXPECT_EQ(confirmed(flow(2), 1ms), Ids{11});
  EXPECT_EQ(gate().held(), 1U);
}

TEST_F(FlowGateTest, ConfirmationOfAnUnknownFlowDoesNothing) {
  EXPECT_EQ(confirmed(flow(1), 0ms), Ids{});
  EXPECT_EQ(gate().flows(), 0U);
}

TEST_F(FlowGateTest, SecondLookupComesAtAQuarterOfTheDeadlineOnce) {
  admit(flow(1), 10, 0ms);
  EXPECT_EQ(gate().next_deadline(), at(250ms));
  EXPECT_EQ(expire(250ms), Ids{});
  EXPECT_EQ(lookups, std::vector{flow(1)});
  EXPECT_EQ(gate().next_deadline(), at(1s));
}

TEST_F(FlowGateTest, WithoutEventsAFlowIsLookedUpAgainAndAgain) {
  config.lookup_interval = 2ms;
  admit(flow(1), 10, 0ms);
  for (const auto now : {2ms, 4ms, 6ms}) {
    expire(now);
    EXPECT_EQ(lookups, std::vector{flow(1)}) << now.count();
  }
}

TEST_F(FlowGateTest, DeadlinePromotesTheOldestAloneAndTheRestWaitForIt) {
  admit(flow(1), 10, 0ms);
  admit(flow(1), 11, 1ms);
  admit(flow(1), 12, 2ms);
  expire(250ms);
  EXPECT_EQ(expire(1s), Ids{10});
  EXPECT_EQ(gate().counters().promoted, 1U);
  EXPECT_EQ(confirmed(flow(1), 1001ms), (Ids{11, 12}));
}

TEST_F(FlowGateTest, PromotedLeaderGetsADeadlineAndALookupOfItsOwn) {
  admit(flow(1), 10, 0ms);
  admit(flow(1), 11, 0ms);
  expire(250ms);
  expire(1s);
  EXPECT_EQ(gate().next_deadline(), at(1250ms));
  expire(1250ms);
  EXPECT_EQ(lookups, std::vector{flow(1)});
  EXPECT_EQ(expire(2s), Ids{11});
}

TEST_F(FlowGateTest, AfterMaxPromotionsEverythingGoesAndTheFlowStaysOpen) {
  config.limits.max_promotions = 2;
  for (std::uint32_t id = 10; id < 15; ++id) admit(flow(1), id, 0ms);
  Ids order;
  for (auto now = 250ms; now <= 3s; now += 250ms) {
    const auto ids = expire(now);
    order.insert(order.end(), ids.begin(), ids.end());
  }
  EXPECT_EQ(order, (Ids{10, 11, 12, 13, 14}));
  EXPECT_EQ(gate().counters().promoted, 2U);
  EXPECT_EQ(gate().counters().abandoned, 1U);
  EXPECT_EQ(admit(flow(1), 15, 4s), Ids{15});
}

TEST_F(FlowGateTest, WithoutPromotionsTheFirstDeadlineLetsAllGo) {
  config.limits.max_promotions = 0;
  admit(flow(1), 10, 0ms);
  admit(flow(1), 11, 0ms);
  expire(250ms);
  EXPECT_EQ(expire(1s), (Ids{10, 11}));
}

TEST_F(FlowGateTest, SlowFlowThatIsNeverConfirmedIsGivenUpInTheEnd) {
  config.limits.max_promotions = 2;
  Ids order;
  for (std::uint32_t id = 10; id < 14; ++id) {
    const auto start = (id - 10) * 5s;
    for (const auto& ids : {admit(flow(1), id, start), expire(start + 250ms), expire(start + 1s)}) {
      order.insert(order.end(), ids.begin(), ids.end());
    }
  }
  EXPECT_EQ(order, (Ids{10, 11, 12, 13}));
  EXPECT_EQ(gate().counters().promoted, 2U);
  EXPECT_EQ(gate().counters().abandoned, 1U);
  EXPECT_EQ(gate().counters().held, 3U) << "the last one passes at once";
}

TEST_F(FlowGateTest, PromotedFlowWithNothingLeftIsForgottenLater) {
  admit(flow(1), 10, 0ms);
  expire(250ms);
  EXPECT_EQ(expire(1s), Ids{10});
  EXPECT_EQ(gate().flows(), 1U);
  expire(1s + FlowGate::open_after_giving_up);
  EXPECT_EQ(gate().flows(), 0U);
  EXPECT_EQ(gate().next_deadline(), std::nullopt);
}

TEST_F(FlowGateTest, FollowerAfterAPromotionIsLookedUp) {
  admit(flow(1), 10, 0ms);
  expire(250ms);
  expire(1s);
  EXPECT_EQ(admit(flow(1), 11, 1100ms), Ids{});
  EXPECT_EQ(lookups, std::vector{flow(1)});
}

TEST_F(FlowGateTest, OverTheLimitOfAFlowItsOldestGoesSoThatOrderIsKept) {
  config.limits.held_per_flow = 2;
  admit(flow(1), 10, 0ms);
  admit(flow(1), 11, 0ms);
  EXPECT_EQ(admit(flow(1), 12, 0ms), Ids{10});
  EXPECT_EQ(gate().counters().overflow, 1U);
  EXPECT_EQ(gate().held(), 2U);
}

TEST_F(FlowGateTest, OverTheTotalLimitDatagramsPassAndAreCounted) {
  config.limits.held_total = 2;
  admit(flow(1), 10, 0ms);
  admit(flow(2), 11, 0ms);
  EXPECT_EQ(admit(flow(3), 12, 0ms), Ids{12});
  EXPECT_EQ(gate().counters().overflow, 1U);
}

TEST_F(FlowGateTest, LostEventsAskForEveryFlowThatHolds) {
  admit(flow(1), 10, 0ms);
  admit(flow(2), 11, 0ms);
  confirmed(flow(2), 1ms);
  call([&](Decisions& decisions) { gate().events_lost(decisions); });
  EXPECT_EQ(lookups, std::vector{flow(1)});
}

TEST_F(FlowGateTest, ReleaseRepliedIgnoresTheConfirmation) {
  config.release = Release::replied;
  admit(flow(1), 10, 0ms);
  EXPECT_EQ(confirmed(flow(1), 1ms), Ids{});
  EXPECT_EQ(replied(flow(1), 2ms), Ids{10});
}

TEST_F(FlowGateTest, AnAnswerImpliesTheConfirmation) {
  admit(flow(1), 10, 0ms);
  EXPECT_EQ(replied(flow(1), 2ms), Ids{10});
}

TEST_F(FlowGateTest, WhereLeadersAreSeenTheFirstDatagramPassesAndTheSecondIsHeld) {
  config.sees_leaders = true;
  EXPECT_EQ(admit(flow(1), 10, 0ms), Ids{10});
  EXPECT_EQ(admit(flow(1), 11, 1ms), Ids{});
  EXPECT_EQ(lookups, std::vector{flow(1)});
  EXPECT_EQ(confirmed(flow(1), 2ms), Ids{11});
  EXPECT_EQ(admit(flow(1), 12, 19s), Ids{});
  EXPECT_EQ(lookups, std::vector{flow(1)}) << "its entry may be gone by now";
  EXPECT_EQ(absent(flow(1), 19s), Ids{12}) << "so it is a leader again";
  EXPECT_EQ(admit(flow(1), 13, 19s), Ids{});
  EXPECT_EQ(confirmed(flow(1), 19s + 2ms), Ids{13});
  EXPECT_EQ(admit(flow(1), 14, 19s + 4ms), Ids{14});
}

TEST_F(FlowGateTest, WhereLeadersAreSeenASlowLeaderIsRemembered) {
  config.sees_leaders = true;
  admit(flow(1), 10, 0ms);
  expire(20s);
  EXPECT_EQ(admit(flow(1), 11, 20s), Ids{});
}

TEST_F(FlowGateTest, ReleaseAllKeepsTheOrderOfArrivalOverAllFlows) {
  admit(flow(1), 10, 0ms);
  admit(flow(2), 11, 0ms);
  admit(flow(1), 12, 0ms);
  EXPECT_EQ(call([&](Decisions& decisions) { gate().release_all(at(1ms), decisions); }), (Ids{10, 11, 12}));
  EXPECT_EQ(gate().flows(), 0U);
  EXPECT_EQ(gate().held(), 0U);
  EXPECT_EQ(gate().next_deadline(), std::nullopt);
}

TEST_F(FlowGateTest, OldestHeldFollowsTheIdsOverTheWrapAround) {
  admit(flow(1), 0xffffffff, 0ms);
  admit(flow(2), 0, 0ms);
  EXPECT_EQ(gate().oldest_held(), PacketId{0xffffffff});
  confirmed(flow(1), 1ms);
  EXPECT_EQ(gate().oldest_held(), PacketId{0});
  confirmed(flow(2), 1ms);
  EXPECT_EQ(gate().oldest_held(), std::nullopt);
}

TEST_F(FlowGateTest, FamiliesArePartOfTheFlow) {
  admit(flow(1), 10, 0ms);
  FlowKey other = flow(1);
  other.source.family = other.destination.family = Family::ipv6;
  EXPECT_EQ(confirmed(other, 1ms), Ids{});
}

TEST_F(FlowGateTest, TooManyFlowsPassUngated) {
  config.sees_leaders = true;
  for (std::uint32_t i = 0; i < FlowGate::max_flows; ++i) admit(flow(i), i, 0ms);
  EXPECT_EQ(gate().counters().overflow, 0U);
  EXPECT_EQ(admit(flow(FlowGate::max_flows), 70000, 0ms), Ids{70000});
  EXPECT_EQ(gate().counters().overflow, 1U);
  EXPECT_EQ(gate().flows(), FlowGate::max_flows);
}

}  // namespace
}  // namespace ctgate

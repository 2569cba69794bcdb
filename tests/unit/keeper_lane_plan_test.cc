// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/ctgated/keeper/lane_plan.hh"

#include <gtest/gtest.h>

#include <ostream>

namespace ctgate::daemon {
namespace {

using Names = std::vector<LaneName>;

constexpr LaneName confirmed(std::uint16_t queue) {
  return {queue, Release::confirmed};
}
constexpr LaneName replied(std::uint16_t queue) {
  return {queue, Release::replied};
}

TEST(LanePlanTest, StartOpensAll) {
  const auto plan = plan_lanes({{5380, 5381}, 5382}, {});
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->open, (Names{confirmed(5380), confirmed(5381), replied(5382)}));
  EXPECT_TRUE(plan->close.empty());
}

TEST(LanePlanTest, UnchangedPolicyKeepsAll) {
  const auto plan = plan_lanes({{5380}, 5381}, {confirmed(5380), replied(5381)});
  ASSERT_TRUE(plan);
  EXPECT_TRUE(plan->open.empty());
  EXPECT_TRUE(plan->close.empty());
}

TEST(LanePlanTest, OtherNumbersOpenAndClose) {
  const auto plan = plan_lanes({{5381, 5382}, std::nullopt}, {confirmed(5380), confirmed(5381), replied(5383)});
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->open, Names{confirmed(5382)});
  EXPECT_EQ(plan->close, (Names{confirmed(5380), replied(5383)}));
}

TEST(LanePlanTest, LaneCannotChangeWhatItWaitsFor) {
  const auto plan = plan_lanes({{5380, 5381}, std::nullopt}, {confirmed(5380), replied(5381)});
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().code, ExitCode::usage);
  EXPECT_NE(plan.error().message.find("queue 5381"), std::string::npos) << plan.error().message;
}

TEST(LanePlanTest, QueueIsLongerThanWhatMayBeHeld) {
  GateLimits limits;
  limits.held_total = 65536;
  EXPECT_GT(queue_settings(limits).length, 2 * limits.held_total);
  limits.held_total = 1;
  EXPECT_EQ(queue_settings(limits).length, netlink::QueueSettings{}.length);
}

}  // namespace
}  // namespace ctgate::daemon

// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/gate/verdict_plan.hh"

#include <gtest/gtest.h>

namespace ctgate {
namespace {

VerdictPlan plan(std::initializer_list<std::uint32_t> released, std::optional<std::uint32_t> oldest_held) {
  std::vector<ReleasedPacket> packets;
  for (const auto id : released) packets.push_back({PacketId{id}, std::nullopt});
  VerdictPlan result;
  plan_verdicts(packets, oldest_held ? std::optional(PacketId{*oldest_held}) : std::nullopt, result);
  return result;
}

std::vector<PacketId> ids(std::initializer_list<std::uint32_t> values) {
  std::vector<PacketId> result;
  for (const auto value : values) result.push_back(PacketId{value});
  return result;
}

TEST(VerdictPlan, NothingReleasedIsNothingToDo) {
  EXPECT_TRUE(plan({}, 5).empty());
}

TEST(VerdictPlan, WithNothingHeldOneBatchTakesAll) {
  EXPECT_EQ(plan({1, 2, 3}, std::nullopt).accept_up_to, PacketId{3});
  EXPECT_TRUE(plan({1, 2, 3}, std::nullopt).accept.empty());
}

TEST(VerdictPlan, TheBatchEndsBeforeTheOldestHeld) {
  const auto result = plan({1, 2, 4, 5}, 3);
  EXPECT_EQ(result.accept_up_to, PacketId{2});
  EXPECT_EQ(result.accept, ids({4, 5}));
}

TEST(VerdictPlan, BehindTheOldestHeldEachGoesAlone) {
  const auto result = plan({4, 5}, 3);
  EXPECT_EQ(result.accept_up_to, std::nullopt);
  EXPECT_EQ(result.accept, ids({4, 5}));
}

TEST(VerdictPlan, OneDatagramNeedsNoBatch) {
  const auto result = plan({2}, 3);
  EXPECT_EQ(result.accept_up_to, std::nullopt);
  EXPECT_EQ(result.accept, ids({2}));
}

TEST(VerdictPlan, OrderOfReleaseDoesNotMatterToTheBatch) {
  const auto result = plan({7, 1, 9, 3}, 5);
  EXPECT_EQ(result.accept_up_to, PacketId{3});
  EXPECT_EQ(result.accept, ids({7, 9}));
}

TEST(VerdictPlan, IdsWrapAround) {
  const auto result = plan({0xfffffffe, 0xffffffff, 1}, 0);
  EXPECT_EQ(result.accept_up_to, PacketId{0xffffffff});
  EXPECT_EQ(result.accept, ids({1}));
}

}  // namespace
}  // namespace ctgate

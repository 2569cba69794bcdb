// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/ctgated/keeper/rule_guard.hh"

#include <gtest/gtest.h>

namespace ctgate::daemon {
namespace {

using namespace std::chrono_literals;
using Found = RuleGuard::Found;

class RuleGuardTest : public ::testing::Test {
 protected:
  const RuleGuard::Time start = RuleGuard::Time{} + 1h;
  RuleGuard guard;
};

TEST_F(RuleGuardTest, RestsUntilRulesChange) {
  EXPECT_EQ(guard.next_comparison(), std::nullopt);
}

TEST_F(RuleGuardTest, ComparesOnceTheChangesHaveSettled) {
  guard.changed(start);
  EXPECT_EQ(guard.next_comparison(), start + RuleGuard::settle_time);
}

TEST_F(RuleGuardTest, ChangesWithoutEndDoNotPutTheComparisonOff) {
  for (auto time = start; time < start + RuleGuard::settle_time; time += 1ms) guard.changed(time);
  EXPECT_EQ(guard.next_comparison(), start + RuleGuard::settle_time);
}

TEST_F(RuleGuardTest, RestsAfterRulesWereFoundIntact) {
  guard.changed(start);
  guard.compared(Found::intact, start + 100ms);
  EXPECT_EQ(guard.next_comparison(), std::nullopt);
  EXPECT_EQ(guard.restored_total(), 0U);
}

TEST_F(RuleGuardTest, CountsWhatItPutBack) {
  for (const auto time : {start, start + 1s}) {
    guard.changed(time);
    guard.compared(Found::restored, time + 100ms);
  }
  EXPECT_EQ(guard.restored_total(), 2U);
  EXPECT_EQ(guard.next_comparison(), std::nullopt);
}

TEST_F(RuleGuardTest, TriesAgainUntilRulesAreBack) {
  guard.changed(start);
  guard.compared(Found::lost, start + 100ms);
  EXPECT_EQ(guard.next_comparison(), start + 100ms + RuleGuard::retry_time);
  guard.compared(Found::lost, start + 2s);
  EXPECT_EQ(guard.next_comparison(), start + 2s + RuleGuard::retry_time);
  EXPECT_EQ(guard.restored_total(), 0U);
  guard.compared(Found::restored, start + 3s);
  EXPECT_EQ(guard.next_comparison(), std::nullopt);
  EXPECT_EQ(guard.restored_total(), 1U);
}

}  // namespace
}  // namespace ctgate::daemon

// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/ctgated/keeper/reload_schedule.hh"

#include <gtest/gtest.h>

namespace ctgate::daemon {
namespace {

using namespace std::chrono_literals;

class ReloadScheduleTest : public ::testing::Test {
 protected:
  const ReloadSchedule::Time start = ReloadSchedule::Time{} + 1h;
  ReloadSchedule schedule;
};

TEST_F(ReloadScheduleTest, FirstRequestIsDueAtOnce) {
  EXPECT_EQ(schedule.due(), std::nullopt);
  schedule.request(start);
  EXPECT_EQ(schedule.due(), start);
}

TEST_F(ReloadScheduleTest, RequestsThatWaitAreOne) {
  schedule.request(start);
  schedule.request(start + 1ms);
  schedule.begin();
  EXPECT_EQ(schedule.due(), std::nullopt);
}

TEST_F(ReloadScheduleTest, RequestDuringAReloadAsksForAnother) {
  schedule.request(start);
  schedule.begin();
  schedule.request(start + 1ms);
  schedule.finished(true, start + 20ms);
  EXPECT_EQ(schedule.due(), start + 20ms + ReloadSchedule::pause);
}

TEST_F(ReloadScheduleTest, RequestSoonAfterAReloadWaitsForThePause) {
  schedule.request(start);
  schedule.begin();
  schedule.finished(true, start + 20ms);
  schedule.request(start + 21ms);
  EXPECT_EQ(schedule.due(), start + 20ms + ReloadSchedule::pause);
}

TEST_F(ReloadScheduleTest, StormOfRequestsIsServedAFewTimesASecond) {
  int reloads = 0;
  for (auto time = start; time < start + 5s; time += 1ms) {
    schedule.request(time);
    if (!schedule.due() || *schedule.due() > time) continue;
    schedule.begin();
    ++reloads;
    schedule.finished(true, time);
  }
  EXPECT_EQ(reloads, 50);
}

TEST_F(ReloadScheduleTest, CountsOutcomes) {
  for (const bool outcome : {true, false, true}) {
    schedule.request(start);
    schedule.begin();
    schedule.finished(outcome, start);
  }
  EXPECT_EQ(schedule.succeeded_total(), 2U);
  EXPECT_EQ(schedule.failed_total(), 1U);
}

}  // namespace
}  // namespace ctgate::daemon

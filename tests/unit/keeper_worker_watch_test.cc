// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/ctgated/keeper/worker_watch.hh"

#include <gtest/gtest.h>

namespace ctgate::daemon {
namespace {

using namespace std::chrono_literals;

const WorkerWatch::Time start = WorkerWatch::Time{} + 1h;

TEST(HeartbeatTest, SilenceCountsFromTheFirstQuestion) {
  Heartbeat heartbeat;
  EXPECT_EQ(heartbeat.silent_for(7, start), 0ns);
  EXPECT_EQ(heartbeat.silent_for(7, start + 250ms), 250ms);
  EXPECT_EQ(heartbeat.silent_for(7, start + 900ms), 900ms);
}

TEST(HeartbeatTest, AnyBeatEndsTheSilence) {
  Heartbeat heartbeat;
  (void)heartbeat.silent_for(7, start);
  EXPECT_EQ(heartbeat.silent_for(8, start + 900ms), 0ns);
  EXPECT_EQ(heartbeat.silent_for(8, start + 1s), 100ms);
}

TEST(HeartbeatTest, RestIsNoSilence) {
  Heartbeat heartbeat;
  (void)heartbeat.silent_for(7, start);
  heartbeat.forget();
  EXPECT_EQ(heartbeat.silent_for(7, start + 1h), 0ns);
}

TEST(WorkerWatchTest, RestsUntilThereIsTraffic) {
  WorkerWatch watch;
  EXPECT_EQ(watch.next_look(), std::nullopt);
  watch.start(start);
  EXPECT_EQ(watch.next_look(), start + WorkerWatch::look_interval);
}

TEST(WorkerWatchTest, LooksAgainWhileWorkersAreBusy) {
  WorkerWatch watch;
  watch.start(start);
  EXPECT_FALSE(watch.all_checked(true, start + 250ms));
  EXPECT_EQ(watch.next_look(), start + 250ms + WorkerWatch::look_interval);
}

TEST(WorkerWatchTest, RestsOnlyIfNoWorkerBecameBusyMeanwhile) {
  WorkerWatch watch;
  watch.start(start);
  EXPECT_TRUE(watch.all_checked(false, start + 250ms));
  watch.told_to_rest(true, start + 251ms);
  EXPECT_EQ(watch.next_look(), start + 251ms + WorkerWatch::look_interval);
  EXPECT_TRUE(watch.all_checked(false, start + 501ms));
  watch.told_to_rest(false, start + 502ms);
  EXPECT_EQ(watch.next_look(), std::nullopt);
}

TEST(WorkerWatchTest, WorkerHangsAfterASecond) {
  EXPECT_FALSE(WorkerWatch::hangs(999ms));
  EXPECT_TRUE(WorkerWatch::hangs(1s));
}

TEST(WorkerWatchTest, GivesUpAfterManyShortLivesInARow) {
  WorkerWatch watch;
  for (int i = 1; i < WorkerWatch::max_short_lives; ++i) EXPECT_TRUE(watch.worth_a_restart(10ms)) << i;
  EXPECT_FALSE(watch.worth_a_restart(10ms));
}

TEST(WorkerWatchTest, OneLongLifeIsANewStart) {
  WorkerWatch watch;
  for (int i = 1; i < WorkerWatch::max_short_lives; ++i) (void)watch.worth_a_restart(10ms);
  EXPECT_TRUE(watch.worth_a_restart(1s));
  EXPECT_TRUE(watch.worth_a_restart(10ms));
}

}  // namespace
}  // namespace ctgate::daemon

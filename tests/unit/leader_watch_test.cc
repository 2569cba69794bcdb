// SPDX-License-Identifier: GPL-2.0-or-later
// What the queues of others say about a leader: models of consumers, with the test's own clock.
#include "daemon/gate/leader_watch.hh"

#include <gtest/gtest.h>

#include <deque>
#include <random>

namespace ctgate {
namespace {

using namespace std::chrono_literals;
using Duration = LeaderWatch::Duration;

class LeaderWatchTest : public ::testing::Test {
 protected:
  LeaderWatch::Time at(Duration since_start) const { return LeaderWatch::Time{} + 1h + since_start; }

  // When the leader is given up, if `queues` says what waits at a time; looks as FlowGate does. Empty: not by `end`.
  template <typename Queues>
  std::optional<Duration> given_up(Duration end, Queues&& queues, std::uint32_t earlier = 0) {
    LeaderWatch watch;
    watch.start(at(0ms), earlier);
    for (Duration now = 1ms; now <= end; now += std::clamp<Duration>(now / 8, 1ms, 50ms)) {
      const std::vector<ForeignQueue> seen = queues(now);
      if (watch.leader_is_gone(seen, at(now), verdicts)) return now;
    }
    return std::nullopt;
  }
  VerdictTimes verdicts;
};

// Datagrams that come at random, `rate` a second on average, and get their verdict after `delay`.
class FirstInFirstOut {
 public:
  FirstInFirstOut(double rate, Duration delay, std::uint32_t never_decided = 0)
      : gap_(rate), delay_(delay), never_decided_(never_decided), last_id_(1000 + never_decided) {}
  std::vector<ForeignQueue> operator()(Duration now) {
    while (next_ <= now) {
      ++last_id_;
      due_.push_back(next_ + delay_);
      next_ += std::chrono::duration_cast<Duration>(std::chrono::duration<double>(gap_(random_)));
    }
    while (!due_.empty() && due_.front() <= now) due_.pop_front();
    return {{.number = 1, .waiting = static_cast<std::uint32_t>(due_.size()) + never_decided_, .last_id = last_id_}};
  }

 private:
  std::mt19937 random_{7};
  std::exponential_distribution<> gap_;
  Duration delay_;
  std::uint32_t never_decided_;
  std::uint32_t last_id_;
  Duration next_{-1s};
  std::deque<Duration> due_;
};

TEST_F(LeaderWatchTest, NothingWaitsAnywhere) {
  const auto nothing = [](Duration) { return std::vector<ForeignQueue>{}; };
  EXPECT_EQ(given_up(1s, nothing), Duration(5ms));
  EXPECT_EQ(given_up(1s, [](Duration) { return std::vector<ForeignQueue>{{.number = 1}}; }), Duration(5ms));
}

TEST_F(LeaderWatchTest, OneWaitsAndNothingMoves) {
  EXPECT_EQ(given_up(30s, [](Duration) { return std::vector<ForeignQueue>{{1, 1, 7}}; }), std::nullopt);
}

// A person is asked about one datagram; the others pass at once.
TEST_F(LeaderWatchTest, PromptWhileOthersPass) {
  for (const std::uint32_t prompts : {1U, 2U, 5U}) {
    for (const double rate : {20., 200., 1000.}) {
      EXPECT_EQ(given_up(30s, FirstInFirstOut(rate, 100us, prompts)), std::nullopt) << prompts << " at " << rate;
    }
  }
  // The host is short of processors, so the others wait often, too.
  verdicts.add(2ms);
  EXPECT_EQ(given_up(30s, FirstInFirstOut(200, 2ms, 1)), std::nullopt);
}

TEST_F(LeaderWatchTest, BusyConsumerThatAnswersInOrder) {
  verdicts.add(4ms);
  for (const double rate : {100., 400., 1000., 2000., 5000.}) {
    const auto gone = given_up(30s, FirstInFirstOut(rate, 5ms));
    ASSERT_TRUE(gone) << rate;
    EXPECT_LE(*gone, 1200ms) << rate;
  }
}

// As with prompts, something waits always. But it is what the rate and the time of a verdict make.
TEST_F(LeaderWatchTest, BusyConsumerOfRegularTraffic) {
  const auto regular = [](Duration now) {
    return std::vector<ForeignQueue>{{1, 10, static_cast<std::uint32_t>(1000 + now / 500us)}};
  };
  EXPECT_EQ(given_up(30s, regular), std::nullopt) << "unless nobody knows how long verdicts take";
  verdicts.add(4500us);
  const auto gone = given_up(30s, regular);
  ASSERT_TRUE(gone);
  EXPECT_LE(*gone, 200ms);
}

TEST_F(LeaderWatchTest, PromptsAreRecognisedAmongQuickVerdictsAndAfterSlowOnes) {
  verdicts.add(200us);
  verdicts.add(2500ms);
  for (const double rate : {20., 200., 1000.}) {
    EXPECT_EQ(given_up(30s, FirstInFirstOut(rate, 100us, 1)), std::nullopt) << rate;
  }
}

TEST_F(LeaderWatchTest, SlowerHostsAreGivenMoreTime) {
  verdicts.add(140ms);  // so it is hardly ever more than 420 ms
  const auto gone = given_up(30s, FirstInFirstOut(2000, 5ms));
  ASSERT_TRUE(gone);
  EXPECT_GE(*gone, 400ms);
}

TEST_F(LeaderWatchTest, EachOneThatWasGivenUpDoublesTheTime) {
  verdicts.add(5ms);
  const auto gone = given_up(30s, FirstInFirstOut(2000, 5ms), 2);
  ASSERT_TRUE(gone);
  EXPECT_GE(*gone, 4 * LeaderWatch::busy_for);
}

// A leader has to pass both.
TEST_F(LeaderWatchTest, TwoQueuesOneAfterTheOther) {
  verdicts.add(100ms);
  FirstInFirstOut first(2000, 5ms);
  FirstInFirstOut second(2000, 80ms);
  const auto gone = given_up(30s, [&](Duration now) {
    auto queues = first(now);
    queues.push_back(second(now).front());
    queues.back().number = 2;
    return queues;
  });
  ASSERT_TRUE(gone);
  EXPECT_GE(*gone, 160ms);
}

TEST_F(LeaderWatchTest, MoreQueuesThanAreFollowed) {
  verdicts.add(5ms);
  std::vector<FirstInFirstOut> busy(LeaderWatch::most_queues + 1, FirstInFirstOut(2000, 5ms));
  const auto all = [&](Duration now) {
    std::vector<ForeignQueue> queues;
    for (auto& queue : busy) {
      queues.push_back(queue(now).front());
      queues.back().number = static_cast<std::uint16_t>(queues.size());
    }
    return queues;
  };
  EXPECT_EQ(given_up(5s, all), std::nullopt);
}

TEST_F(LeaderWatchTest, IdsWrapAround) {
  verdicts.add(1ms);
  std::uint32_t id = 0xfffffff0;
  const auto queue = [&](Duration) {
    id += 40;
    return std::vector<ForeignQueue>{{1, 8 + id / 40 % 5, id}};
  };
  EXPECT_TRUE(given_up(30s, queue));
}

TEST(VerdictTimesTest, FollowsWhatWasSeen) {
  VerdictTimes times;
  EXPECT_EQ(times.bound(), Duration(0));
  times.add(4ms);
  EXPECT_EQ(times.bound(), Duration(12ms)) << "RFC 6298, 2.2";
  EXPECT_EQ(times.usual(), Duration(6ms));
  for (int i = 0; i < 100; ++i) times.add(4ms);
  EXPECT_NEAR(static_cast<double>(times.bound().count()), 4e6, 1e5);
}

}  // namespace
}  // namespace ctgate

// SPDX-License-Identifier: GPL-2.0-or-later
// Whether the leader that a flow waits for may still be in somebody's queue. Only what can be seen from outside is
// used: how many datagrams wait in each queue of the network namespace, and the last id that each has given.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>

namespace ctgate {

// A queue that is not the daemon's (a line of /proc/net/netfilter/nfnetlink_queue).
struct ForeignQueue {
  std::uint16_t number = 0;
  std::uint32_t waiting = 0;  // datagrams
  std::uint32_t last_id = 0;  // of the newest one; counts up, wraps
};

// How long verdicts take on this host: smoothed mean and deviation as RFC 6298 has them for round trips.
class VerdictTimes {
 public:
  using Duration = std::chrono::nanoseconds;
  // From here on it was no program that decided.
  static constexpr Duration slow = std::chrono::milliseconds(200);

  void add(Duration taken);
  // What a verdict hardly ever exceeds (RFC 6298's RTO). Zero before the first one.
  [[nodiscard]] Duration bound() const { return all_.mean + 4 * all_.deviation; }
  // What one takes that is not slow, rather more than less. Zero before the first one.
  [[nodiscard]] Duration usual() const { return usual_.mean + usual_.deviation; }

 private:
  struct Smoothed {
    Duration mean{0}, deviation{0};
    void add(Duration taken);
  };
  Smoothed all_, usual_;
};

// Of one flow, while it waits for one leader.
class LeaderWatch {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::nanoseconds;

  // On its way from our queue or chain to the next one a leader is nowhere to be seen. That takes microseconds, unless
  // whoever carries it is not running at that moment: so nothing may wait several times in a row, over this time.
  static constexpr Duration empty_for = std::chrono::milliseconds(4);
  static constexpr int empty_looks = 3;
  // Where something waits: how long the looks go on before a leader is given up, and how many there must be.
  static constexpr Duration busy_for = std::chrono::milliseconds(100);
  static constexpr int busy_looks = 12;
  static constexpr double busy_average = 3;  // waiting; at random times fewer leave a queue empty at 5 % of the looks
  static constexpr std::size_t most_queues = 4;  // more are not followed, the leader then waits for max_hold

  // A leader has passed; `earlier`: how many of this flow were given up before it.
  void start(Time now, std::uint32_t earlier);

  // Looks at the queues. True: the leader waits nowhere, so unless conntrack knows the flow by now, it is gone.
  //
  // Where nothing waits that is certain. Where something does, it may be the leader: then all that had been queued when
  // the wait began must have been decided (a consumer that answers in order). And there must not be one that waits for
  // a person's decision while others pass: a queue that was empty at no look must be so busy that this is no wonder.
  // How many wait on average follows from the rate and the usual time of a verdict (Little's law); where no verdict was
  // timed yet, none do.
  [[nodiscard]] bool leader_is_gone(std::span<const ForeignQueue> queues, Time now, const VerdictTimes& verdicts);

 private:
  struct Seen {
    std::uint16_t number = 0;
    std::uint32_t first_id = 0;  // at the first look
    std::uint32_t last_id = 0;   // when the wait began, or when everything up to then had been decided
    std::uint32_t least = 0;     // that ever waited
  };

  [[nodiscard]] bool nothing_waits(Time now);
  // Everything that was in the queue has been decided.
  [[nodiscard]] bool turned_over(const ForeignQueue& queue);
  // At least one seems to have waited all the time.
  [[nodiscard]] bool somebody_waits(const Seen& seen, std::uint32_t last_id, Time now, Duration usual) const;
  [[nodiscard]] Seen* seen(const ForeignQueue& queue);

  Time since_;
  std::uint32_t earlier_ = 0;
  Time empty_since_;
  int empty_ = 0;  // looks in a row at which nothing waited
  std::uint32_t looks_ = 0;
  std::uint32_t turns_ = 0;  // how often all queues have turned over
  std::size_t count_ = 0;
  std::array<Seen, most_queues> seen_;
};

}  // namespace ctgate

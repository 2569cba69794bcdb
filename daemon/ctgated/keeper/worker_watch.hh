// SPDX-License-Identifier: GPL-2.0-or-later
// When the keeper looks at its workers, when one counts as hung, and when it gives up on them. State machines: time is
// an argument, nothing here touches a process.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace ctgate::daemon {

// Says how long a worker has given no sign of life.
class Heartbeat {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // The worker is no longer asked, or has been replaced: silence counts from the next call of silent_for() on.
  void forget() { silent_since_.reset(); }

  // `beat`: a number that the worker changes whenever it is asked for a sign of life and whenever it does something.
  // To be called each time it is asked.
  [[nodiscard]] std::chrono::nanoseconds silent_for(std::uint64_t beat, Time now);

 private:
  std::uint64_t last_beat_ = 0;
  std::optional<Time> silent_since_;
};

// The keeper watches while there is traffic and rests otherwise, so that an idle daemon does not wake up.
class WorkerWatch {
 public:
  using Time = std::chrono::steady_clock::time_point;

  static constexpr std::chrono::milliseconds look_interval{250};
  static constexpr std::chrono::seconds longest_silence{1};
  static constexpr std::chrono::milliseconds short_life{100};
  static constexpr int max_short_lives = 10;  // in a row: something is wrong that no restart fixes

  // There is traffic, or a worker was started.
  void start(Time now) { next_look_ = now + look_interval; }

  // When to look at the workers; empty: the keeper rests until start() is called.
  [[nodiscard]] std::optional<Time> next_look() const { return next_look_; }

  // Whether a worker that has been silent for this long counts as hung.
  [[nodiscard]] static bool hangs(std::chrono::nanoseconds silence) { return silence >= longest_silence; }

  // The keeper has looked. `busy`: whether any worker has something to do. True: time to rest; the caller tells the
  // workers so and looks once more, since one may have become busy before it knew; that outcome goes to told_to_rest().
  [[nodiscard]] bool all_checked(bool busy, Time now);
  void told_to_rest(bool busy, Time now);

  // A worker ended after `life`. False: give up.
  [[nodiscard]] bool worth_a_restart(std::chrono::nanoseconds life);

 private:
  std::optional<Time> next_look_;
  int short_lives_ = 0;  // in a row
};

}  // namespace ctgate::daemon

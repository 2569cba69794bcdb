// SPDX-License-Identifier: GPL-2.0-or-later
// When the rules are compared with what was installed, and put back. A state machine: time is an argument, nothing here
// touches the kernel.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace ctgate::daemon {

class RuleGuard {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // Other programs change rules in several steps: compared once, this long after the first one.
  static constexpr std::chrono::milliseconds settle_time{100};
  // After rules could not be put back.
  static constexpr std::chrono::milliseconds retry_time{500};

  enum class Found {
    intact,    // nothing was missing
    restored,  // something was, and was put back
    lost,      // something was, and could not be put back
  };

  // The kernel says that rules changed, whoever did it. Changes while a comparison is due are covered by it.
  void changed(Time now);
  // A comparison was made.
  void compared(Found found, Time now);

  // When to compare; empty: not before changed() is called. The caller listens for changes only then: what happens
  // meanwhile is seen by the comparison.
  [[nodiscard]] std::optional<Time> next_comparison() const { return next_comparison_; }
  [[nodiscard]] std::uint64_t restored_total() const { return restored_total_; }

 private:
  std::optional<Time> next_comparison_;
  std::uint64_t restored_total_ = 0;
};

}  // namespace ctgate::daemon

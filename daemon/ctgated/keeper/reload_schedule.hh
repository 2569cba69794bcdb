// SPDX-License-Identifier: GPL-2.0-or-later
// When the policy is read again. A state machine: time is an argument, nothing here reads a file.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace ctgate::daemon {

class ReloadSchedule {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // Between the end of one reload and the next one, so that endless requests leave time for everything else.
  static constexpr std::chrono::milliseconds pause{100};

  // A request to read the policy again. Requests until begin() count as one.
  void request(Time now);
  // The reload that is due begins: the policy is read after this call, so a request that comes later asks for another.
  void begin() { due_.reset(); }
  void finished(bool succeeded, Time now);

  // When to reload; empty: not requested.
  [[nodiscard]] std::optional<Time> due() const { return due_; }
  [[nodiscard]] std::uint64_t succeeded_total() const { return succeeded_total_; }
  [[nodiscard]] std::uint64_t failed_total() const { return failed_total_; }

 private:
  std::optional<Time> due_;
  Time not_before_;
  std::uint64_t succeeded_total_ = 0;
  std::uint64_t failed_total_ = 0;
};

}  // namespace ctgate::daemon

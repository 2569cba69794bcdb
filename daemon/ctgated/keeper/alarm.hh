// SPDX-License-Identifier: GPL-2.0-or-later
// A timer that follows a state machine's next deadline.
#pragma once

#include <asio.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

namespace ctgate::daemon {

class Alarm {
 public:
  // `ring` runs in `context`, never inside set().
  Alarm(asio::io_context& context, std::function<void()> ring) : timer_(context), ring_(std::move(ring)) {}

  // Rings once at `time`, in place of whatever was set before; empty: does not ring.
  void set(std::optional<std::chrono::steady_clock::time_point> time) {
    ++setting_;  // a handler that is already waiting for its turn can no longer be cancelled
    timer_.cancel();
    if (!time) return;
    timer_.expires_at(*time);
    timer_.async_wait([this, setting = setting_](const asio::error_code& cancelled) {
      if (!cancelled && setting == setting_) ring_();
    });
  }

 private:
  asio::steady_timer timer_;
  std::function<void()> ring_;
  std::uint64_t setting_ = 0;
};

}  // namespace ctgate::daemon

// SPDX-License-Identifier: GPL-2.0-or-later
// Tells the keeper that there is something to look after, without waking it for every datagram.
#pragma once

#include <asio.hpp>
#include <functional>
#include <vector>

namespace ctgate::daemon {

// A separate epoll(7) set in which each descriptor is armed once (EPOLLONESHOT); the set itself is what the event loop
// waits for. So an idle daemon sleeps for good, and a busy one wakes its keeper only when the keeper asks again.
// Readiness is checked again when the keeper wakes: what a worker has read by then does not count.
class Activity {
 public:
  explicit Activity(asio::io_context& context);

  // Calls `on_activity` once, when any of `fds` is or becomes readable. Replaces what was waited for before.
  void wait(const std::vector<int>& fds, std::function<void()> on_activity);

 private:
  asio::io_context& context_;
  asio::posix::stream_descriptor set_;
};

}  // namespace ctgate::daemon

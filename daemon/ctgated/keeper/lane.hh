// SPDX-License-Identifier: GPL-2.0-or-later
// A queue with all that belongs to it, and the worker that serves it.
#pragma once

#include <sys/types.h>

#include <array>
#include <chrono>
#include <memory>
#include <optional>

#include "daemon/ctgated/worker/shared_counters.hh"
#include "daemon/gate/flow_gate.hh"
#include "daemon/netlink/conntrack.hh"
#include "daemon/netlink/queue.hh"

namespace ctgate::daemon {

// Owned by the keeper. The sockets outlive workers, so nothing that is held is dropped when one dies: closing the
// queue's socket is what makes the kernel drop.
class Lane {
 public:
  // Subscribes to events, then binds the queue, in the network namespace of the calling thread.
  [[nodiscard]] static Expected<std::unique_ptr<Lane>> open(netlink::QueueNumber number, Release release,
                                                            const netlink::QueueSettings& settings);
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;
  // Ends the worker and accepts everything.
  ~Lane();

  // Starts a worker. The config's `release` is the lane's.
  [[nodiscard]] Expected<void> start_worker(GateConfig config);
  // Tells the running worker.
  void configure(GateConfig config);

  // To be called when a child process ended: true, if it was this lane's worker; what it held is accepted then.
  bool worker_ended(pid_t pid);

  // Asks the worker to let everything go and leave.
  void ask_to_stop() const;
  void kill_worker() const;

  // Asks for a sign of life, and tells for how long there was none. To be called now and then while `busy()`.
  [[nodiscard]] std::chrono::nanoseconds silence(Time now);
  // Whether anything was queued, read or held since the last call.
  [[nodiscard]] bool busy();
  // The keeper stops looking after the worker, until one of activity_descriptors() is readable: the queue, which a
  // worker that hangs does not read, or the link, on which one that starts to hold says so. Ask busy() once more
  // afterwards.
  void rest();
  [[nodiscard]] std::array<int, 2> activity_descriptors() const { return {queue_.fd(), link_}; }
  // The keeper looks again.
  void watch();

  [[nodiscard]] const netlink::Queue& queue() const { return queue_; }
  [[nodiscard]] Release release() const { return release_; }
  [[nodiscard]] const SharedCounters& counters() const { return *counters_; }
  [[nodiscard]] std::optional<pid_t> worker() const { return worker_; }
  [[nodiscard]] std::chrono::steady_clock::time_point worker_started() const { return worker_started_; }

 private:
  Lane(netlink::Queue queue, netlink::ConntrackEvents events, Release release);
  [[nodiscard]] PacketId last_read() const;
  [[noreturn]] void become_worker(int link, pid_t keeper, const GateConfig& config);
  void send(const void* data, std::size_t size) const;
  void close_link();

  netlink::Queue queue_;
  netlink::ConntrackEvents events_;
  Release release_;
  SharedCountersPtr counters_;
  std::optional<pid_t> worker_;
  std::chrono::steady_clock::time_point worker_started_;
  int link_ = -1;  // our end
  std::uint64_t last_beat_ = 0;
  std::uint64_t last_queued_ = 0;
  std::optional<Time> asked_since_;
};

}  // namespace ctgate::daemon

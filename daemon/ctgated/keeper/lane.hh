// SPDX-License-Identifier: GPL-2.0-or-later
// A queue with everything that belongs to it, and the worker that serves it.
#pragma once

#include <sys/types.h>

#include <array>
#include <chrono>
#include <memory>
#include <optional>

#include "daemon/ctgated/keeper/lane_plan.hh"
#include "daemon/ctgated/keeper/worker_watch.hh"
#include "daemon/ctgated/worker/shared_counters.hh"
#include "daemon/ctgated/worker/worker.hh"
#include "daemon/gate/flow_gate.hh"
#include "daemon/netlink/conntrack.hh"
#include "daemon/netlink/queue.hh"
#include "policy/base/file_descriptor.hh"

namespace ctgate::daemon {

// Owned by the keeper. The sockets outlive workers, so nothing that is held is dropped when one dies: closing the
// queue's socket is what makes the kernel drop.
class Lane {
 public:
  // Subscribes to events, then binds the queue, in the network namespace of the calling thread. Ends an orphaned worker
  // that has the queue.
  [[nodiscard]] static Expected<std::unique_ptr<Lane>> open(const LaneName& name,
                                                            const netlink::QueueSettings& settings);
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;
  // Ends the worker and accepts everything.
  ~Lane();

  // Starts a worker. The config's `release` is the lane's. `queue_list`: as in WorkerResources.
  [[nodiscard]] Expected<void> start_worker(WorkerConfig config, int queue_list);
  // Tells the running worker.
  void configure(WorkerConfig config);

  // To be called when a child process has ended: true if it was this lane's worker; what it held is then accepted.
  bool worker_ended(pid_t pid);

  // Asks the worker to let everything go and exit.
  void ask_to_stop() const;
  void kill_worker() const;

  // Asks for a sign of life, and says for how long there was none. To be called now and then while `busy()`.
  [[nodiscard]] std::chrono::nanoseconds silent_for(Time now);
  // Whether anything was queued, read or held since the last call.
  [[nodiscard]] bool busy();
  // From now on a worker says on the link when it starts to hold. A hung one does not read its queue. So one of
  // activity_descriptors() becomes readable when there is something to watch again; but ask busy() once more first.
  void stop_watching();
  [[nodiscard]] std::array<int, 2> activity_descriptors() const { return {queue_.fd(), link_.get()}; }
  void start_watching();

  [[nodiscard]] const LaneName& name() const { return name_; }
  [[nodiscard]] const netlink::Queue& queue() const { return queue_; }
  [[nodiscard]] const SharedCounters& shared() const { return *shared_; }
  [[nodiscard]] std::optional<pid_t> worker() const { return worker_; }
  [[nodiscard]] std::chrono::steady_clock::time_point worker_started() const { return worker_started_; }

 private:
  Lane(const LaneName& name, netlink::Queue queue, netlink::ConntrackEvents events);
  [[nodiscard]] PacketId last_read() const;
  [[noreturn]] void become_worker(int link, int queue_list, pid_t keeper, const WorkerConfig& config);
  void send(const void* data, std::size_t size) const;

  LaneName name_;
  netlink::Queue queue_;
  netlink::ConntrackEvents events_;
  SharedCountersPtr shared_;
  std::optional<pid_t> worker_;
  std::chrono::steady_clock::time_point worker_started_;
  FileDescriptor link_;  // our end
  Heartbeat heartbeat_;
  std::uint64_t last_queued_ = 0;
};

}  // namespace ctgate::daemon

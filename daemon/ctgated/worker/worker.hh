// SPDX-License-Identifier: GPL-2.0-or-later
// The worker process: reads one queue and decides. It owns nothing that matters: the keeper has the sockets and the
// rules, so a worker can be killed at any instruction.
#pragma once

#include <string_view>
#include <type_traits>

#include "daemon/ctgated/worker/shared_counters.hh"
#include "daemon/gate/flow_gate.hh"
#include "daemon/netlink/conntrack.hh"
#include "daemon/netlink/queue.hh"

namespace ctgate::daemon {

// What goes through the link, one message each (SOCK_SEQPACKET). From the keeper: a request for a sign of life (one
// byte), or a new configuration (the struct itself; both ends are one program). From the worker: "I hold something and
// nobody watches" (one byte).
struct WorkerConfig {
  GateConfig gate;
  // The daemon's own queues, first and last number.
  std::uint16_t first_queue = 0;
  std::uint16_t last_queue = 0;
};
static_assert(std::is_trivially_copyable_v<WorkerConfig>);

// What proc_pid_comm(5) says of the processes, whatever the name of their program.
inline constexpr std::string_view keeper_process_name = "ctgated";
inline constexpr std::string_view worker_process_name = "ctgated-worker";

struct WorkerResources {
  const netlink::Queue& queue;
  const netlink::ConntrackEvents& events;
  SharedCounters& shared;
  int queue_list;  // of a netlink::QueueList; negative: there is none
  int link;        // the worker's end
  int keeper;      // process id
};

// Runs until SIGTERM or until the keeper is gone, then accepts everything and returns the process's exit code.
// To be called in a process that was just forked; all signals are expected to be blocked.
[[nodiscard]] int run_worker(const WorkerResources& resources, const WorkerConfig& config);

}  // namespace ctgate::daemon

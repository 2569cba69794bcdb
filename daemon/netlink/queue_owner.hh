// SPDX-License-Identifier: GPL-2.0-or-later
// What /proc says about a queue in the network namespace of the calling thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "policy/base/error.hh"

namespace ctgate::netlink {

struct QueueOwner {
  std::uint32_t port_id = 0;   // netlink port of the socket that bound the queue
  std::optional<int> process;  // the oldest one that has the socket; empty: not found, or no right to look
  std::string name;            // of that process, proc_pid_comm(5); empty: not known
  std::string description;     // e.g. `"suricata" (process 812)`, or `netlink port 812` where no process is found
};

// Whoever has bound `queue`: /proc/net/netfilter/nfnetlink_queue gives the port, /proc/net/netlink the socket's inode,
// /proc/PID/fd the process. Empty: nobody, or /proc can't be read.
[[nodiscard]] std::optional<QueueOwner> find_queue_owner(std::uint16_t queue);

// What to say if a queue number is needed that `owner` has.
[[nodiscard]] tl::unexpected<Error> queue_taken(std::uint16_t queue, const QueueOwner& owner);

// Whoever has bound any queue, by number. Empty also where the kernel has no queues. Error: the list can't be read.
[[nodiscard]] Expected<std::map<std::uint16_t, QueueOwner>> queue_owners();

// The last id the kernel gave to a datagram of `queue` (column id_sequence; seq_show() in nfnetlink_queue.c).
[[nodiscard]] std::optional<std::uint32_t> last_queued_id(std::uint16_t queue);

}  // namespace ctgate::netlink

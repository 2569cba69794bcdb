// SPDX-License-Identifier: GPL-2.0-or-later
// The third party: an NFQUEUE consumer such as a firewall, an intrusion detection system or a security agent has. It
// takes its time with each verdict, and so stretches the moment in which conntrack does not yet know a new flow.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <thread>

#include "daemon/lab/namespace.hh"
#include "daemon/netlink/socket.hh"
#include "policy/base/error.hh"
#include "policy/base/file_descriptor.hh"

namespace ctgate::lab {

enum class VerdictPolicy {
  accept_all,
  // The first datagram of each UDP flow is dropped, the rest accepted. The flow is the 5-tuple as the queue's hook sees
  // it (in FORWARD: after DNAT, before masquerading); an answer belongs to the flow that it answers.
  drop_first_of_flow,
};

struct ConsumerOptions {
  std::uint16_t queue = 1;
  std::chrono::microseconds delay{2000};  // from reading a packet to its verdict; delays do not add up
  VerdictPolicy policy = VerdictPolicy::accept_all;
  // As if a person were asked about each new flow to this port (0: about none): its datagrams wait until this long
  // after the first one, while others pass.
  std::uint16_t prompt_port = 0;
  std::chrono::microseconds prompt{2'500'000};
};

// A thread that reads one queue and gives one verdict per packet, in the order in which they are due. On destruction it
// accepts what it still holds and ends at once.
class DelayingConsumer {
 public:
  // The queue is bound on return. A taken queue number is an error (EPERM from the kernel).
  [[nodiscard]] static Expected<std::unique_ptr<DelayingConsumer>> start(const NetworkNamespace& where,
                                                                         const ConsumerOptions& options);
  ~DelayingConsumer();
  DelayingConsumer(const DelayingConsumer&) = delete;
  DelayingConsumer& operator=(const DelayingConsumer&) = delete;
  DelayingConsumer(DelayingConsumer&&) = delete;
  DelayingConsumer& operator=(DelayingConsumer&&) = delete;

  [[nodiscard]] std::uint64_t packets_seen() const { return packets_seen_; }
  [[nodiscard]] std::uint64_t packets_dropped() const { return packets_dropped_; }

 private:
  class Worker;

  DelayingConsumer(netlink::Socket socket, FileDescriptor stop, const ConsumerOptions& options);

  netlink::Socket socket_;
  FileDescriptor stop_;  // eventfd(2): readable when the thread is to end
  ConsumerOptions options_;
  std::atomic<std::uint64_t> packets_seen_{0};
  std::atomic<std::uint64_t> packets_dropped_{0};
  std::thread thread_;
};

}  // namespace ctgate::lab

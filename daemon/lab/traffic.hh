// SPDX-License-Identifier: GPL-2.0-or-later
// The sender's side: bursts at the start of new flows.
#pragma once

#include <chrono>
#include <cstdint>

#include "daemon/lab/endpoint.hh"
#include "daemon/lab/namespace.hh"
#include "daemon/lab/servers.hh"
#include "policy/base/error.hh"

namespace ctgate::lab {

struct BurstOptions {
  std::uint32_t flows = 20;
  std::uint32_t datagrams = 4;                      // of each flow
  std::chrono::microseconds spacing{0};             // between datagrams of a flow; 0: back to back
  std::chrono::milliseconds flow_spacing{5};        // between the last datagram of a flow and the next flow
  std::chrono::milliseconds answer_deadline{1000};  // for the last answer, after the last datagram was sent
};

struct BurstResult {
  std::uint32_t flows = 0;
  std::uint32_t sent = 0;                // datagrams
  std::uint32_t answered = 0;            // datagrams whose answer came back to the socket that sent them
  std::uint32_t lost = 0;                // sent - answered
  std::uint32_t delivered = 0;           // datagrams that reached a server
  std::uint32_t split_flows = 0;         // flows that reached the servers from several (address, port) or at both
  std::uint32_t out_of_order_flows = 0;  // flows that arrived at the servers in another order
  std::uint32_t overtaken = 0;           // datagrams that arrived after a later one of their flow
};

// Sends the flows one after the other, each from a new connected socket in `sender`, and waits for the answers; returns
// as soon as all are there. A connected socket takes answers from its peer's address and port only, so an answer with
// the wrong source counts as lost. What `servers` saw before is forgotten.
[[nodiscard]] Expected<BurstResult> burst(const NetworkNamespace& sender, const Endpoint& destination,
                                          const BurstOptions& options, Servers& servers);

}  // namespace ctgate::lab

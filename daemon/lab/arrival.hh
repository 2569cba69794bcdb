// SPDX-License-Identifier: GPL-2.0-or-later
// What reached the servers, and what it says about the flows. Pure: no sockets.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "daemon/lab/endpoint.hh"

namespace ctgate::lab {

// The mark that every test datagram carries: which of the sender's flows, which datagram of it, both from 0.
struct DatagramMark {
  std::uint32_t flow = 0;
  std::uint32_t index = 0;
  bool operator==(const DatagramMark&) const = default;
};

inline constexpr std::size_t mark_size = 12;  // bytes

[[nodiscard]] std::array<std::uint8_t, mark_size> encode(const DatagramMark& mark);
[[nodiscard]] std::optional<DatagramMark> decode_mark(std::span<const std::uint8_t> payload);  // nothing: not ours

struct Arrival {
  DatagramMark mark;
  Endpoint source;  // as the server sees it: after the gateway's NAT
  Address backend;  // the server's address that it reached
};

struct ArrivalSummary {
  std::uint32_t delivered = 0;           // datagrams
  std::uint32_t split_flows = 0;         // flows that came from several sources or reached several backends
  std::uint32_t out_of_order_flows = 0;  // flows with at least one overtaken datagram
  std::uint32_t overtaken = 0;           // datagrams that came after a later one of their flow
};

// `arrivals` in the order of arrival.
[[nodiscard]] ArrivalSummary summarize(std::span<const Arrival> arrivals);

}  // namespace ctgate::lab

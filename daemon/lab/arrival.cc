// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/lab/arrival.hh"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>
#include <map>

namespace ctgate::lab {
namespace {

constexpr std::uint32_t magic = 0x63746774;  // "ctgt"

}  // namespace

std::array<std::uint8_t, mark_size> encode(const DatagramMark& mark) {
  const std::array<std::uint32_t, 3> words{htonl(magic), htonl(mark.flow), htonl(mark.index)};
  std::array<std::uint8_t, mark_size> bytes{};
  static_assert(sizeof(words) == sizeof(bytes));
  std::memcpy(bytes.data(), words.data(), sizeof(bytes));
  return bytes;
}

std::optional<DatagramMark> decode_mark(std::span<const std::uint8_t> payload) {
  std::array<std::uint32_t, 3> words{};
  if (payload.size() < sizeof(words)) return std::nullopt;
  std::memcpy(words.data(), payload.data(), sizeof(words));
  if (ntohl(words[0]) != magic) return std::nullopt;
  return DatagramMark{ntohl(words[1]), ntohl(words[2])};
}

ArrivalSummary summarize(std::span<const Arrival> arrivals) {
  struct Flow {
    const Arrival* first = nullptr;
    std::uint32_t highest_index = 0;
    bool split = false;
    bool out_of_order = false;
  };
  std::map<std::uint32_t, Flow> flows;
  ArrivalSummary summary;
  for (const auto& arrival : arrivals) {
    ++summary.delivered;
    auto& flow = flows[arrival.mark.flow];
    if (flow.first == nullptr) flow.first = &arrival;
    flow.split |= arrival.source != flow.first->source || arrival.backend != flow.first->backend;
    if (arrival.mark.index < flow.highest_index) {
      ++summary.overtaken;
      flow.out_of_order = true;
    }
    flow.highest_index = std::max(flow.highest_index, arrival.mark.index);
  }
  for (const auto& [number, flow] : flows) {
    summary.split_flows += flow.split ? 1 : 0;
    summary.out_of_order_flows += flow.out_of_order ? 1 : 0;
  }
  return summary;
}

}  // namespace ctgate::lab

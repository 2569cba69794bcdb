// SPDX-License-Identifier: GPL-2.0-or-later
// What the decision path counts. One list of fields for all who need one: the gate and the engine count in plain
// numbers, a worker publishes them in shared memory (atomics), the status reports them (a value may be missing).
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>

namespace ctgate {

template <typename Value>
struct BasicCounters {
  // Now.
  Value flows_holding{};  // flows with a held datagram
  Value held_now{};       // datagrams
  // Since the start; only ever rise.
  Value queued{};          // datagrams that came through the queue
  Value held{};            // of these, held
  Value released{};        // held datagrams that were let go, for whatever reason
  Value promoted{};        // of these, made the new leader
  Value leaders_gone{};    // of these, because the leader before it waited nowhere any more
  Value vanished{};        // held datagrams that the kernel had dropped
  Value abandoned{};       // flows let go whole after max_promotions
  Value overflow{};        // datagrams accepted at once because a limit was reached
  Value unparsed{};        // datagrams accepted because their headers could not be read
  Value events{};          // from conntrack
  Value event_overruns{};  // times that the kernel dropped events
  Value queue_overruns{};  // times that the kernel could not hand over a queued datagram
  Value lookups{};         // in conntrack

  // Calls visit(name, field...) for each field, in the order in which they are shown, with that field of each of
  // `counters`. The name is the key in the status.
  template <typename Visit, typename... Counters>
  static constexpr void for_each(Visit&& visit, Counters&&... counters) {
    visit("flows_holding", counters.flows_holding...);
    visit("held", counters.held_now...);
    visit("queued_total", counters.queued...);
    visit("held_total", counters.held...);
    visit("released_total", counters.released...);
    visit("promoted_total", counters.promoted...);
    visit("leaders_gone_total", counters.leaders_gone...);
    visit("vanished_total", counters.vanished...);
    visit("abandoned_flows_total", counters.abandoned...);
    visit("overflow_total", counters.overflow...);
    visit("unparsed_total", counters.unparsed...);
    visit("events_total", counters.events...);
    visit("event_overruns_total", counters.event_overruns...);
    visit("queue_overruns_total", counters.queue_overruns...);
    visit("lookups_total", counters.lookups...);
  }
};

using Counters = BasicCounters<std::uint64_t>;

inline Counters& operator+=(Counters& sum, const Counters& more) {
  Counters::for_each([](auto, std::uint64_t& total, std::uint64_t value) { total += value; }, sum, more);
  return sum;
}

// How long datagrams were held. Upper bounds of the buckets; after them comes one more for everything longer.
inline constexpr std::array<std::chrono::microseconds, 14> hold_bounds{
    std::chrono::microseconds(50),     std::chrono::microseconds(100),    std::chrono::microseconds(250),
    std::chrono::microseconds(500),    std::chrono::microseconds(1000),   std::chrono::microseconds(2500),
    std::chrono::microseconds(5000),   std::chrono::microseconds(10000),  std::chrono::microseconds(25000),
    std::chrono::microseconds(50000),  std::chrono::microseconds(100000), std::chrono::microseconds(250000),
    std::chrono::microseconds(500000), std::chrono::microseconds(1000000)};

template <typename Value>
using BasicHoldHistogram = std::array<Value, hold_bounds.size() + 1>;
using HoldHistogram = BasicHoldHistogram<std::uint64_t>;

// The histogram's bucket for a datagram that was held for `held`.
[[nodiscard]] inline std::size_t hold_bucket(std::chrono::nanoseconds held) {
  return static_cast<std::size_t>(std::lower_bound(hold_bounds.begin(), hold_bounds.end(), held) - hold_bounds.begin());
}

}  // namespace ctgate

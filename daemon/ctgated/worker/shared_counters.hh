// SPDX-License-Identifier: GPL-2.0-or-later
// What a worker tells its keeper while it runs, in memory that both map: it outlives the worker, so totals go on over a
// restart and the keeper can answer for a worker that hangs.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "daemon/gate/engine.hh"

namespace ctgate::daemon {

using Counter = std::atomic<std::uint64_t>;
static_assert(Counter::is_always_lock_free, "shared between processes");

// One writer, the worker, but for `watched`; any number of readers. Totals only rise.
struct SharedCounters {
  Counter watched;        // the keeper's: 1 while it looks after the worker by itself, see Lane::rest()
  Counter beat;           // rises with every turn of the worker's loop
  Counter last_read_id;   // PacketId of the last datagram read from the queue
  Counter flows_holding;  // now
  Counter held;           // datagrams, now
  Counter queued_total;
  Counter held_total;
  Counter released_total;
  Counter promoted_total;
  Counter abandoned_flows_total;
  Counter overflow_total;
  Counter unparsed_total;
  Counter events_total;
  Counter event_overruns_total;
  Counter queue_overruns_total;
  Counter lookups_total;
  std::array<Counter, hold_bounds.size() + 1> hold_histogram;
};

struct Unmap {
  void operator()(SharedCounters* counters) const;
};
using SharedCountersPtr = std::unique_ptr<SharedCounters, Unmap>;

// All zero; shared with processes forked later. Throws std::bad_alloc.
[[nodiscard]] SharedCountersPtr make_shared_counters();

// Adds to `shared` what an engine has counted since the last call.
class CounterPublisher {
 public:
  explicit CounterPublisher(SharedCounters& shared) : shared_(shared) {}
  void publish(const Engine& engine);

 private:
  SharedCounters& shared_;
  GateCounters gate_;
  EngineCounters engine_;
  HoldHistogram histogram_{};
};

}  // namespace ctgate::daemon

// SPDX-License-Identifier: GPL-2.0-or-later
// What a worker tells its keeper while it runs, in memory that both map: it outlives the worker, so totals continue
// across a restart and the keeper can answer for a hung worker.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "daemon/gate/engine.hh"

namespace ctgate::daemon {

using SharedNumber = std::atomic<std::uint64_t>;
static_assert(SharedNumber::is_always_lock_free, "shared between processes");

// One writer, the worker, except for `watched`; any number of readers.
struct SharedCounters {
  SharedNumber watched;       // the keeper's: 1 while it watches the worker, see Lane::start_watching()
  SharedNumber beat;          // rises with every turn of the worker's loop, and within long ones
  SharedNumber last_read_id;  // PacketId of the last datagram read from the queue
  BasicCounters<SharedNumber> counters;
  BasicHoldHistogram<SharedNumber> hold_histogram;
};

struct Unmap {
  void operator()(SharedCounters* shared) const;
};
using SharedCountersPtr = std::unique_ptr<SharedCounters, Unmap>;

// All zero; shared with processes forked later. Throws std::bad_alloc.
[[nodiscard]] SharedCountersPtr make_shared_counters();

// Adds to `shared` what a worker has counted since the last call.
class CounterPublisher {
 public:
  explicit CounterPublisher(SharedCounters& shared) : shared_(shared) {}
  void publish(const Counters& counters, const HoldHistogram& histogram);

 private:
  SharedCounters& shared_;
  Counters published_;
  HoldHistogram published_histogram_{};
};

}  // namespace ctgate::daemon

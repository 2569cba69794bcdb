// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/ctgated/worker/shared_counters.hh"

#include <sys/mman.h>

#include <new>

namespace ctgate::daemon {
namespace {

void add(Counter& shared, std::uint64_t now, std::uint64_t before) {
  if (now != before) shared.fetch_add(now - before, std::memory_order_relaxed);
}

}  // namespace

void Unmap::operator()(SharedCounters* counters) const {
  munmap(counters, sizeof *counters);
}

SharedCountersPtr make_shared_counters() {
  void* memory = mmap(nullptr, sizeof(SharedCounters), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  return SharedCountersPtr(new (memory) SharedCounters{});
}

void CounterPublisher::publish(const Engine& engine) {
  const GateCounters& gate = engine.gate().counters();
  add(shared_.queued_total, gate.queued + engine.counters().unparsed, gate_.queued + engine_.unparsed);
  add(shared_.held_total, gate.held, gate_.held);
  add(shared_.released_total, gate.released, gate_.released);
  add(shared_.promoted_total, gate.promoted, gate_.promoted);
  add(shared_.abandoned_flows_total, gate.abandoned, gate_.abandoned);
  add(shared_.overflow_total, gate.overflow, gate_.overflow);
  add(shared_.unparsed_total, engine.counters().unparsed, engine_.unparsed);
  add(shared_.events_total, engine.counters().events, engine_.events);
  add(shared_.event_overruns_total, engine.counters().event_overruns, engine_.event_overruns);
  add(shared_.lookups_total, engine.counters().lookups, engine_.lookups);
  for (std::size_t i = 0; i < histogram_.size(); ++i)
    add(shared_.hold_histogram[i], engine.histogram()[i], histogram_[i]);
  gate_ = gate;
  engine_ = engine.counters();
  histogram_ = engine.histogram();
  shared_.flows_holding.store(engine.gate().holding_flows(), std::memory_order_relaxed);
  shared_.held.store(engine.gate().held());
}

}  // namespace ctgate::daemon

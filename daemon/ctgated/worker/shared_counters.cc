// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/ctgated/worker/shared_counters.hh"

#include <sys/mman.h>

#include <new>
#include <utility>

namespace ctgate::daemon {
namespace {

// What is counted now and may fall wraps around, which is what unsigned addition needs.
void add(SharedNumber& shared, std::uint64_t now, std::uint64_t& published) {
  if (now != published) shared.fetch_add(now - std::exchange(published, now));
}

}  // namespace

void Unmap::operator()(SharedCounters* shared) const {
  munmap(shared, sizeof *shared);
}

SharedCountersPtr make_shared_counters() {
  void* memory = mmap(nullptr, sizeof(SharedCounters), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  return SharedCountersPtr(new (memory) SharedCounters{});
}

void CounterPublisher::publish(const Counters& counters, const HoldHistogram& histogram) {
  Counters::for_each(
      [](auto, SharedNumber& shared, std::uint64_t now, std::uint64_t& before) { add(shared, now, before); },
      shared_.counters, counters, published_);
  for (std::size_t i = 0; i < histogram.size(); ++i) {
    add(shared_.hold_histogram[i], histogram[i], published_histogram_[i]);
  }
}

}  // namespace ctgate::daemon

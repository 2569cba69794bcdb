// SPDX-License-Identifier: GPL-2.0-or-later
// The flows that a process has sent to, in a table of fixed size: no lock, no allocation, safe in a signal handler,
// after fork(2) and between vfork(2) and execve(2).
//
// A flow is one 64-bit word, so every change is one compare-and-swap and no reader ever sees half of one:
//
//   63       42 41     40 39     30 29           0
//   [   tag   ] [ state ] [ owner ] [    time    ]
//
// `tag` is what remains of the flow's key after the index of its bucket (8 words, one cache line); two flows of the
// same bucket and tag, 1 in 500,000, are taken for one, which at worst lets a datagram pass ungated. `owner` says which
// thread sends a leader. `time` is in milliseconds, modulo 12 days.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace ctgate::shim {

enum class FlowState : std::uint8_t {
  unknown = 0,    // never seen, expired, or pushed out
  leading = 1,    // its leader is being sent; `time` is when that began
  sent = 2,       // its leader was sent at `time`, and may still be on its way through the stack
  confirmed = 3,  // its leader has left; `time` is when it was last used
};

struct Flow {
  FlowState state = FlowState::unknown;
  std::uint16_t owner = 0;  // 10 bits
  std::uint32_t time = 0;   // 30 bits
};

// Milliseconds from `earlier` to `later`, both modulo 2^30. 0 also where `earlier` is the later one, by a minute at
// most: a thread reads the clock, and finds here what another one wrote since.
inline std::uint32_t age(std::uint32_t later, std::uint32_t earlier) {
  constexpr std::uint32_t mask = 0x3fffffff, minute = 60'000;
  const std::uint32_t difference = (later - earlier) & mask;
  return difference > mask - minute ? 0 : difference;
}

class FlowTable {
 public:
  static constexpr std::size_t buckets = 1024;
  static constexpr std::size_t ways = 8;
  // A flow without traffic for this long is new again: less than nf_conntrack_udp_timeout (30 s).
  static constexpr std::uint32_t lifetime = 25'000;  // ms

  // A flow's place in the table and what was there. Valid until the next change, which then fails.
  struct Handle {
    std::atomic<std::uint64_t>* place = nullptr;
    std::uint64_t seen = 0;
    Flow flow;
    bool displaces = false;  // a flow that is still in use has to make room
  };

  // What is known about the flow at `now`. For an unknown one the handle names the place where it will go, for which a
  // free, expired, confirmed or sent flow of its bucket has to make room, in this order, the oldest first. `place` is
  // nullptr if all are leading.
  [[nodiscard]] Handle find(std::uint64_t key, std::uint32_t now);

  // Puts `flow` in place if nobody changed it since; the handle follows. False: it has changed, ask again.
  static bool replace(Handle& handle, std::uint64_t key, const Flow& flow);

  // Forgets the flow, if it still is as the handle says.
  static void erase(Handle& handle);

 private:
  struct alignas(64) Bucket {
    std::atomic<std::uint64_t> ways[FlowTable::ways];
  };
  Bucket buckets_[buckets];
};

static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

}  // namespace ctgate::shim

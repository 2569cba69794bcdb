// SPDX-License-Identifier: GPL-2.0-or-later
#include "shim/flow_table.hh"

namespace ctgate::shim {
namespace {

constexpr std::uint64_t time_mask = 0x3fffffffU;
constexpr std::uint64_t expired_rank = 1ULL << 40U;

// The low bits of the key choose the bucket, the high ones are the tag; a word of a flow is never 0.
std::uint64_t tag_of(std::uint64_t key) {
  return key >> 42U;
}

Flow decode(std::uint64_t word) {
  return {static_cast<FlowState>((word >> 40U) & 3U), static_cast<std::uint16_t>((word >> 30U) & 0x3ffU),
          static_cast<std::uint32_t>(word & time_mask)};
}

std::uint64_t encode(std::uint64_t key, const Flow& flow) {
  return tag_of(key) << 42U | static_cast<std::uint64_t>(flow.state) << 40U |
         static_cast<std::uint64_t>(flow.owner & 0x3ffU) << 30U | (flow.time & time_mask);
}

// How dispensable a flow is; 0: must stay.
std::uint64_t dispensability(std::uint64_t word, std::uint32_t now) {
  if (word == 0) return ~0ULL;
  const Flow flow = decode(word);
  const std::uint64_t old = age(now, flow.time);
  if (old >= FlowTable::lifetime) return expired_rank | old;
  switch (flow.state) {
    case FlowState::confirmed:
      return 1ULL << 36U | old;
    case FlowState::sent:
      return 1ULL << 32U | old;
    default:
      return 0;
  }
}

}  // namespace

FlowTable::Handle FlowTable::find(std::uint64_t key, std::uint32_t now) {
  Bucket& bucket = buckets_[key % buckets];
  Handle victim;
  std::uint64_t best = 0;
  for (auto& place : bucket.ways) {
    const std::uint64_t word = place.load(std::memory_order_acquire);
    if (word != 0 && word >> 42U == tag_of(key)) {
      Flow flow = decode(word);
      if (age(now, flow.time) >= lifetime) flow = {};
      return {&place, word, flow, false};
    }
    const std::uint64_t rank = dispensability(word, now);
    if (rank > best) {
      best = rank;
      victim = {&place, word, {}, rank < expired_rank};
    }
  }
  return victim;
}

bool FlowTable::replace(Handle& handle, std::uint64_t key, const Flow& flow) {
  const std::uint64_t word = encode(key, flow);
  if (!handle.place->compare_exchange_strong(handle.seen, word, std::memory_order_acq_rel)) return false;
  handle.seen = word;
  handle.flow = flow;
  return true;
}

void FlowTable::erase(Handle& handle) {
  handle.place->compare_exchange_strong(handle.seen, 0, std::memory_order_acq_rel);
}

}  // namespace ctgate::shim

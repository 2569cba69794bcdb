// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/gate/flow_gate.hh"

#include <algorithm>

namespace ctgate {

FlowGate::FlowGate(const GateConfig& config, std::uint64_t hash_seed)
    : config_(config), flows_(64, FlowHash(hash_seed)) {}

FlowGate::Flow* FlowGate::insert(const FlowKey& key, Time deadline) {
  auto [position, inserted] = flows_.try_emplace(key);
  Flow& flow = position->second;
  flow.key = &position->first;
  flow.deadline = deadline;
  flow.timer = timers_.emplace(deadline, &flow);
  return &flow;
}

void FlowGate::erase(Flow& flow) {
  timers_.erase(flow.timer);
  flows_.erase(flows_.find(*flow.key));
}

void FlowGate::arm(Flow& flow) {
  const Time due = flow.next_lookup ? std::min(*flow.next_lookup, flow.deadline) : flow.deadline;
  if (flow.timer->first == due) return;
  auto node = timers_.extract(flow.timer);
  node.key() = due;
  flow.timer = timers_.insert(std::move(node));
}

void FlowGate::start_waiting(Flow& flow, Time now) {
  flow.deadline = now + config_.limits.max_hold;
  flow.next_lookup = now + config_.lookup_interval.value_or(config_.limits.max_hold / 4);
  arm(flow);
}

void FlowGate::overflow(PacketId id, Decisions& decisions) {
  ++counters_.overflow;
  decisions.released.push_back({id, std::nullopt});
}

void FlowGate::admit(const FlowKey& key, PacketId id, Time now, Decisions& decisions) {
  ++counters_.queued;
  const auto known = flows_.find(key);
  if (known == flows_.end()) {
    if (flows_.size() >= max_flows) return overflow(id, decisions);
    if (config_.sees_leaders) {
      insert(key, now + leader_lifetime);
      decisions.released.push_back({id, std::nullopt});
      return;
    }
    return hold(*insert(key, now + config_.limits.max_hold), id, now, decisions);
  }
  Flow& flow = known->second;
  if (flow.open) {
    decisions.released.push_back({id, std::nullopt});
    return;
  }
  hold(flow, id, now, decisions);
}

void FlowGate::hold(Flow& flow, PacketId id, Time now, Decisions& decisions) {
  if (flow.held.size() >= config_.limits.held_per_flow || held_ids_.size() >= config_.limits.held_total) {
    if (flow.held.empty()) return overflow(id, decisions);
    // The flow's oldest goes in place of the new one: as many pass ungated, but in order.
    ++counters_.overflow;
    release_front(flow, now, decisions);
  }
  if (flow.held.empty()) {
    ++counters_.flows_holding;
    start_waiting(flow, now);
    // The event may have come before this datagram: ask, so that it is never missed.
    decisions.lookups.push_back(*flow.key);
  }
  flow.held.push_back({id, now});
  held_ids_.insert(id);
  ++counters_.held;
}

void FlowGate::release_front(Flow& flow, Time now, Decisions& decisions) {
  const HeldPacket packet = flow.held.front();
  flow.held.pop_front();
  held_ids_.erase(packet.id);
  decisions.released.push_back({packet.id, now - packet.since});
  ++counters_.released;
  if (flow.held.empty()) {
    --counters_.flows_holding;
    flow.next_lookup.reset();
  }
}

void FlowGate::open(Flow& flow, Time now, Duration lifetime, Decisions& decisions) {
  while (!flow.held.empty()) release_front(flow, now, decisions);
  flow.open = true;
  flow.deadline = now + lifetime;
  arm(flow);
}

void FlowGate::confirmed(const FlowKey& key, Time now, Decisions& decisions) {
  if (config_.release == Release::confirmed) replied(key, now, decisions);
}

void FlowGate::replied(const FlowKey& key, Time now, Decisions& decisions) {
  const auto known = flows_.find(key);
  if (known == flows_.end() || known->second.open) return;
  open(known->second, now, config_.sees_leaders ? config_.confirmed_lifetime : open_after_confirmation, decisions);
}

void FlowGate::events_lost(Decisions& decisions) const {
  for (const auto& [key, flow] : flows_) {
    if (!flow.held.empty()) decisions.lookups.push_back(key);
  }
}

void FlowGate::promote(Flow& flow, Time now, Decisions& decisions) {
  ++flow.promotions;
  ++counters_.promoted;
  release_front(flow, now, decisions);
  // With nothing left to hold it is remembered all the same, so that a slow flow of which no datagram is ever confirmed
  // is given up in the end.
  flow.deadline = now + open_after_giving_up;
  if (!flow.held.empty()) start_waiting(flow, now);
  arm(flow);
}

void FlowGate::expire(Time now, Decisions& decisions) {
  while (!timers_.empty() && timers_.begin()->first <= now) {
    Flow& flow = *timers_.begin()->second;
    if (flow.held.empty()) {
      erase(flow);
    } else if (flow.deadline > now) {
      decisions.lookups.push_back(*flow.key);
      flow.next_lookup.reset();
      if (config_.lookup_interval) flow.next_lookup = now + *config_.lookup_interval;
      arm(flow);
    } else if (flow.promotions < config_.limits.max_promotions) {
      promote(flow, now, decisions);
    } else {
      ++counters_.abandoned;
      open(flow, now, open_after_giving_up, decisions);
    }
  }
}

void FlowGate::release_all(Time now, Decisions& decisions) {
  // In the order of arrival over all flows: the kernel's queue is a list, oldest first is found first.
  std::vector<std::pair<PacketId, Flow*>> order;
  for (auto& [key, flow] : flows_) {
    for (const auto& packet : flow.held) order.emplace_back(packet.id, &flow);
  }
  std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.first.before(b.first); });
  for (const auto& [id, flow] : order) release_front(*flow, now, decisions);
  timers_.clear();
  flows_.clear();
}

std::optional<Time> FlowGate::next_deadline() const {
  if (timers_.empty()) return std::nullopt;
  return timers_.begin()->first;
}

Counters FlowGate::counters() const {
  Counters result = counters_;
  result.held_now = held_ids_.size();
  return result;
}

std::optional<PacketId> FlowGate::oldest_held() const {
  if (held_ids_.empty()) return std::nullopt;
  return *held_ids_.begin();
}

}  // namespace ctgate

// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/gate/flow_gate.hh"

#include <algorithm>
#include <utility>

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
  forget_promoted(flow);
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

Duration FlowGate::max_hold() const {
  const Duration configured = config_.limits.max_hold;
  const bool sees = config_.sees_queues && config_.release == Release::confirmed;
  return sees ? configured : std::min(configured, max_hold_unseen);
}

void FlowGate::start_waiting(Flow& flow, Time now) {
  flow.suspect = flow.rechecked = flow.settling = false;
  flow.leader.start(now, flow.promotions);
  flow.deadline = now + max_hold();
  flow.next_lookup = now + config_.lookup_interval.value_or(std::min(max_hold(), max_hold_unseen) / 4);
  arm(flow);
  newest_hold_ = now;
  schedule_probe(now);
}

void FlowGate::schedule_probe(Time now) {
  if (!config_.sees_queues || held_ids_.empty()) return next_probe_.reset();
  const Duration age = now - newest_hold_;
  const Time due = now + std::clamp(age / 8, shortest_probe_interval, longest_probe_interval);
  // Something new does not put off what is due for others.
  next_probe_ = next_probe_ && *next_probe_ > now ? std::min(*next_probe_, due) : due;
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
  const bool unchecked = flow.state == Flow::State::open && now - flow.checked >= open_unchecked;
  if (flow.state != Flow::State::waiting && !unchecked) {
    decisions.released.push_back({id, std::nullopt});
    return;
  }
  // Held until the lookup that this asks for, which is in the same turn.
  flow.state = Flow::State::waiting;
  hold(flow, id, now, decisions);
  if (unchecked) flow.rechecked = true;
}

void FlowGate::hold(Flow& flow, PacketId id, Time now, Decisions& decisions) {
  if (flow.held.size() >= config_.limits.held_per_flow || held_ids_.size() >= config_.limits.held_total) {
    if (flow.held.empty()) return overflow(id, decisions);
    // The flow's oldest goes in place of the new one: as many pass ungated, but in order.
    ++counters_.overflow;
    release_front(flow, now, decisions);
  }
  flow.held.push_back({id, now});
  held_ids_.insert(id);
  ++counters_.held;
  if (!holding_.insert(&flow).second) return;
  start_waiting(flow, now);
  // The event may have come before this datagram: ask, so that it is never missed.
  decisions.lookups.push_back(*flow.key);
}

void FlowGate::release_front(Flow& flow, Time now, Decisions& decisions) {
  const HeldPacket packet = flow.held.front();
  flow.held.pop_front();
  held_ids_.erase(packet.id);
  decisions.released.push_back({packet.id, now - packet.since});
  ++counters_.released;
  if (flow.held.empty()) {
    holding_.erase(&flow);
    flow.next_lookup.reset();
  }
}

void FlowGate::open(Flow& flow, Flow::State state, Time now, Duration lifetime, Decisions& decisions) {
  while (!flow.held.empty()) release_front(flow, now, decisions);
  flow.state = state;
  flow.suspect = flow.settling = false;
  flow.checked = now;
  flow.deadline = now + lifetime;
  arm(flow);
}

void FlowGate::confirmed(const FlowKey& key, Time now, Decisions& decisions) {
  if (config_.release == Release::replied) return;
  const auto known = flows_.find(key);
  if (known == flows_.end() || known->second.settling) return;
  Flow& flow = known->second;
  const bool holds = flow.state == Flow::State::waiting && !flow.held.empty() && flow.promotions == 0;
  const Duration taken = holds ? now - flow.held.front().since : Duration(0);
  if (taken < slow_verdict) return replied(key, now, decisions);
  flow.settling = true;
  flow.suspect = false;
  flow.deadline = now + taken / settle_share;
  flow.next_lookup = now + settle_lookups;
  arm(flow);
}

void FlowGate::replied(const FlowKey& key, Time now, Decisions& decisions) {
  const auto known = flows_.find(key);
  if (known == flows_.end() || known->second.state != Flow::State::waiting) return;
  Flow& flow = known->second;
  // Of promoted ones it is not known whose confirmation it is (Karn's algorithm).
  if (!flow.held.empty() && flow.promotions == 0 && !flow.rechecked) verdict_times_.add(now - flow.held.front().since);
  flow.promotions = 0;
  forget_promoted(flow);
  open(flow, Flow::State::open, now, config_.sees_leaders ? config_.confirmed_lifetime : open_after_confirmation,
       decisions);
}

void FlowGate::absent(const FlowKey& key, Time now, Decisions& decisions) {
  const auto known = flows_.find(key);
  if (known == flows_.end() || known->second.held.empty()) return;
  Flow& flow = known->second;
  if (flow.rechecked && config_.sees_leaders) {
    // Its entry is gone, so this is the leader of a new one.
    release_front(flow, now, decisions);
    flow.deadline = now + leader_lifetime;
    if (!flow.held.empty()) start_waiting(flow, now);
    return arm(flow);
  }
  flow.rechecked = false;
  if (!std::exchange(flow.suspect, false)) return;
  ++counters_.leaders_gone;
  if (flow.promotions < config_.limits.max_promotions) return promote(flow, now, decisions);
  ++counters_.abandoned;
  open(flow, Flow::State::given_up, now, open_after_giving_up, decisions);
}

void FlowGate::probed(std::span<const ForeignQueue> queues, Time now, Decisions& decisions) {
  next_probe_.reset();
  if (config_.release == Release::confirmed) {
    for (Flow* flow : holding_) {
      if (flow->settling) continue;
      flow->suspect = flow->leader.leader_is_gone(queues, now, verdict_times_);
      if (!flow->suspect) continue;
      decisions.lookups.push_back(*flow->key);
    }
  }
  schedule_probe(now);
}

void FlowGate::forget_held(Flow& flow) {
  for (const auto& packet : flow.held) held_ids_.erase(packet.id);
  counters_.vanished += flow.held.size();
  flow.held.clear();
  holding_.erase(&flow);
}

void FlowGate::forget_promoted(Flow& flow) {
  if (flow.promoted) promoted_.erase(flow.promoted->value);
  flow.promoted.reset();
}

void FlowGate::vanished(PacketId id) {
  const auto found = promoted_.find(id.value);
  if (found == promoted_.end()) return;
  Flow& flow = *found->second;
  ++counters_.vanished;
  forget_held(flow);
  erase(flow);
}

void FlowGate::events_lost(Decisions& decisions) const {
  for (const auto& [key, flow] : flows_) {
    if (!flow.held.empty()) decisions.lookups.push_back(key);
  }
}

void FlowGate::promote(Flow& flow, Time now, Decisions& decisions) {
  ++flow.promotions;
  ++counters_.promoted;
  forget_promoted(flow);
  flow.promoted = flow.held.front().id;
  promoted_[flow.promoted->value] = &flow;
  release_front(flow, now, decisions);
  decisions.released.back().promoted = true;
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
      if (flow.settling) flow.next_lookup = now + settle_lookups;
      arm(flow);
    } else if (flow.settling) {
      replied(*flow.key, now, decisions);
    } else if (flow.promotions < config_.limits.max_promotions) {
      promote(flow, now, decisions);
    } else {
      ++counters_.abandoned;
      open(flow, Flow::State::given_up, now, open_after_giving_up, decisions);
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
  promoted_.clear();
  flows_.clear();
  next_probe_.reset();
}

std::optional<Time> FlowGate::next_deadline() const {
  if (timers_.empty()) return std::nullopt;
  const Time due = timers_.begin()->first;
  return next_probe_ && !held_ids_.empty() ? std::min(due, *next_probe_) : due;
}

Counters FlowGate::counters() const {
  Counters result = counters_;
  result.held_now = held_ids_.size();
  result.flows_holding = holding_.size();
  return result;
}

std::optional<PacketId> FlowGate::oldest_held() const {
  if (held_ids_.empty()) return std::nullopt;
  return *held_ids_.begin();
}

}  // namespace ctgate

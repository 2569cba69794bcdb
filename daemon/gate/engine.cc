// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/gate/engine.hh"

#include <algorithm>

namespace ctgate {

Engine::Engine(const GateConfig& config, std::uint64_t hash_seed, VerdictSink& verdicts, ConntrackView& conntrack,
               QueueView& queues, std::function<void()> alive)
    : gate_(config, hash_seed), verdicts_(verdicts), conntrack_(conntrack), queues_(queues), alive_(std::move(alive)) {}

void Engine::packets(std::span<const QueuedPacket> batch, Time now) {
  for (const auto& packet : batch) {
    if (packet.flow) {
      gate_.admit(*packet.flow, packet.id, now, decisions_);
    } else {
      ++counters_.queued;
      ++counters_.unparsed;
      decisions_.released.push_back({packet.id, std::nullopt});
    }
  }
  settle(now);
}

void Engine::vanished(std::span<const PacketId> ids) {
  for (const auto id : ids) gate_.vanished(id);
}

void Engine::wake(Time now) {
  drain_events(now);
  gate_.expire(now, decisions_);
  if (gate_.probe_due(now)) {
    if (const auto queues = queues_.read()) {
      gate_.probed(*queues, now, decisions_);
    } else {
      gate_.probe_failed(now);
    }
  }
  settle(now);
}

void Engine::release_all(Time now) {
  gate_.release_all(now, decisions_);
  decisions_.lookups.clear();
  write_verdicts();
}

void Engine::settle(Time now) {
  for (int round = 0; round < max_rounds && !decisions_.empty(); ++round) {
    look_up(now);
    write_verdicts();
    // A verdict runs the datagram through the rest of the stack inside the system call (nf_reinject), so the event of
    // what it confirmed is here by now.
    drain_events(now);
  }
}

void Engine::look_up(Time now) {
  asked_.swap(decisions_.lookups);
  std::size_t asked = 0;
  for (const auto& flow : asked_) {
    ++counters_.lookups;
    const auto state = conntrack_.lookup(flow);
    observe(flow, state, now);
    if (state == EntryState::none) gate_.absent(flow, now, decisions_);
    if (++asked % lookups_between_signs == 0) alive_();
  }
  asked_.clear();
}

void Engine::write_verdicts() {
  if (decisions_.released.empty()) return;
  for (const auto& packet : decisions_.released) {
    if (packet.held) ++histogram_[hold_bucket(*packet.held)];
  }
  plan_verdicts(decisions_.released, gate_.oldest_held(), plan_);
  decisions_.released.clear();
  // In parts: up to 7.0 the kernel looks for each datagram from the oldest on (find_dequeue_entry), so a verdict takes
  // the longer the more is held.
  part_.accept_first = plan_.accept_first;
  part_.accept_up_to = plan_.accept_up_to;
  for (std::size_t first = 0; first == 0 || first < plan_.accept.size(); first += verdicts_a_write) {
    const auto begin = plan_.accept.begin() + static_cast<std::ptrdiff_t>(first);
    const auto count = std::min(verdicts_a_write, plan_.accept.size() - first);
    part_.accept.assign(begin, begin + static_cast<std::ptrdiff_t>(count));
    verdicts_.write(part_);
    part_.accept_first.clear();
    part_.accept_up_to.reset();
    alive_();
  }
}

std::optional<Time> Engine::next_deadline() const {
  if (!decisions_.empty()) return Time{};
  return gate_.next_deadline();
}

Counters Engine::counters() const {
  Counters result = counters_;
  return result += gate_.counters();
}

void Engine::drain_events(Time now) {
  const bool complete = conntrack_.drain([&](const ConntrackChange& change) {
    ++counters_.events;
    // An answer's datagrams are a flow of their own, keyed by the entry's reply tuple.
    observe(change.original, change.state, now);
    observe(change.reply, change.state, now);
  });
  if (!complete) {
    ++counters_.event_overruns;
    gate_.events_lost(decisions_);
  }
}

void Engine::observe(const FlowKey& flow, EntryState state, Time now) {
  if (state == EntryState::confirmed) gate_.confirmed(flow, now, decisions_);
  if (state == EntryState::replied) gate_.replied(flow, now, decisions_);
}

}  // namespace ctgate

// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/gate/engine.hh"

#include <algorithm>

namespace ctgate {

Engine::Engine(const GateConfig& config, std::uint64_t hash_seed, VerdictSink& verdicts, ConntrackView& conntrack)
    : gate_(config, hash_seed), verdicts_(verdicts), conntrack_(conntrack) {}

void Engine::packets(std::span<const QueuedPacket> batch, Time now) {
  for (const auto& packet : batch) {
    if (packet.flow) {
      gate_.admit(*packet.flow, packet.id, now, decisions_);
    } else {
      ++counters_.unparsed;
      decisions_.released.push_back({packet.id, std::nullopt});
    }
  }
  settle(now);
}

void Engine::wake(Time now) {
  drain_events(now);
  gate_.expire(now, decisions_);
  settle(now);
}

void Engine::release_all(Time now) {
  gate_.release_all(now, decisions_);
  decisions_.lookups.clear();
  write_verdicts();
}

void Engine::settle(Time now) {
  while (!decisions_.empty()) {
    look_up(now);
    write_verdicts();
    // A verdict runs the datagram through the rest of the stack inside the system call (nf_reinject), so the event of
    // what it confirmed is here by now.
    drain_events(now);
  }
}

void Engine::look_up(Time now) {
  asked_.swap(decisions_.lookups);
  for (const auto& flow : asked_) {
    ++counters_.lookups;
    observe(flow, conntrack_.lookup(flow), now);
  }
  asked_.clear();
}

void Engine::write_verdicts() {
  if (decisions_.released.empty()) return;
  for (const auto& packet : decisions_.released) {
    if (!packet.held) continue;
    const auto bucket = std::lower_bound(hold_bounds.begin(), hold_bounds.end(), *packet.held);
    ++histogram_[static_cast<std::size_t>(bucket - hold_bounds.begin())];
  }
  plan_verdicts(decisions_.released, gate_.oldest_held(), plan_);
  decisions_.released.clear();
  verdicts_.write(plan_);
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

void Engine::observe(const FlowKey& flow, FlowState state, Time now) {
  if (state == FlowState::confirmed) gate_.confirmed(flow, now, decisions_);
  if (state == FlowState::replied) gate_.replied(flow, now, decisions_);
}

}  // namespace ctgate

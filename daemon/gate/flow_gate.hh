// SPDX-License-Identifier: GPL-2.0-or-later
// The gate: decides which queued datagram goes on and when.
//
// daemon/gate is the pure part of the daemon: no netlink, no clock, no threads. Time is an argument; what to do comes
// back in `Decisions`. Used by Engine, which connects it to the kernel.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "daemon/gate/counters.hh"
#include "daemon/gate/flow_hash.hh"
#include "daemon/gate/flow_key.hh"
#include "daemon/gate/packet_id.hh"
#include "policy/policy.hh"

namespace ctgate {

using Time = std::chrono::steady_clock::time_point;
using Duration = std::chrono::nanoseconds;

struct GateConfig {
  GateLimits limits;
  Release release = Release::confirmed;
  // False: the rule set passes leaders in the kernel and only followers arrive (nftables). True: every datagram of a
  // flow arrives, so the first one is its leader and is released at once (iptables).
  bool sees_leaders = false;
  // Where leaders are seen: how long a confirmed flow stays open. Shorter than nf_conntrack_udp_timeout.
  Duration confirmed_lifetime = std::chrono::seconds(20);
  // How often a flow that holds is looked up while it waits. Empty: once, at a quarter of max_hold, since events report
  // the rest. Set where the kernel sends no events (net.netfilter.nf_conntrack_events = 0).
  std::optional<Duration> lookup_interval;
};

struct ReleasedPacket {
  PacketId id;
  std::optional<Duration> held;  // for how long; empty: it was never held
};

// What the caller has to do now, in this order: accept `released` (in order), look up `lookups` in conntrack and tell
// the gate what was found.
struct Decisions {
  std::vector<ReleasedPacket> released;
  std::vector<FlowKey> lookups;

  [[nodiscard]] bool empty() const { return released.empty() && lookups.empty(); }
  void clear() {
    released.clear();
    lookups.clear();
  }
};

// Every admitted datagram appears in `released` exactly once: in admit(), confirmed(), replied(), expire() or
// release_all(). Within a flow held datagrams appear in the order of admission; over a limit the flow's oldest goes at
// once, or the new one where the flow holds none.
class FlowGate {
 public:
  // How long a flow stays open (its datagrams pass at once). After confirmation: longer than the rule set's `held` set
  // sends the flow's datagrams here. After giving up: as long as the rule set's `pending` set does.
  static constexpr Duration open_after_confirmation = std::chrono::seconds(1);
  static constexpr Duration open_after_giving_up = std::chrono::seconds(30);
  // Where leaders are seen: like the rule set's set `pending`.
  static constexpr Duration leader_lifetime = std::chrono::seconds(30);
  static constexpr std::size_t max_flows = 65536;

  // `hash_seed`: random per process, see FlowHash.
  FlowGate(const GateConfig& config, std::uint64_t hash_seed);

  // New limits hold for what is admitted and for deadlines set from now on.
  void configure(const GateConfig& config) { config_ = config; }

  // A datagram was queued; ids must rise.
  void admit(const FlowKey& flow, PacketId id, Time now, Decisions& decisions);

  // Conntrack has the flow's entry (by event or lookup).
  void confirmed(const FlowKey& flow, Time now, Decisions& decisions);

  // Conntrack has seen an answer of the flow. Implies confirmed.
  void replied(const FlowKey& flow, Time now, Decisions& decisions);

  // Events were lost: asks for a lookup of every flow that holds.
  void events_lost(Decisions& decisions) const;

  // Does what is due at `now`: second lookups, promotions, giving up, forgetting.
  void expire(Time now, Decisions& decisions);

  // Lets everything go and forgets all flows.
  void release_all(Time now, Decisions& decisions);

  // When expire() has something to do next.
  [[nodiscard]] std::optional<Time> next_deadline() const;

  // The oldest datagram still held; bounds what a batch verdict may cover, see plan_verdicts().
  [[nodiscard]] std::optional<PacketId> oldest_held() const;

  [[nodiscard]] std::size_t held() const { return held_ids_.size(); }
  [[nodiscard]] std::size_t flows() const { return flows_.size(); }
  // What a gate can count; the other fields stay 0.
  [[nodiscard]] Counters counters() const;

 private:
  struct HeldPacket {
    PacketId id;
    Time since;
  };
  struct Flow;
  using Timers = std::multimap<Time, Flow*>;
  struct Flow {
    const FlowKey* key = nullptr;
    bool open = false;
    std::uint32_t promotions = 0;
    std::deque<HeldPacket> held;
    Time deadline;                    // promotion, or forgetting where nothing is held
    std::optional<Time> next_lookup;  // only while something is held
    Timers::iterator timer;
  };

  Flow* insert(const FlowKey& key, Time deadline);
  void erase(Flow& flow);
  void arm(Flow& flow);
  void hold(Flow& flow, PacketId id, Time now, Decisions& decisions);
  void start_waiting(Flow& flow, Time now);
  void release_front(Flow& flow, Time now, Decisions& decisions);
  void open(Flow& flow, Time now, Duration lifetime, Decisions& decisions);
  void promote(Flow& flow, Time now, Decisions& decisions);
  void overflow(PacketId id, Decisions& decisions);

  GateConfig config_;
  std::unordered_map<FlowKey, Flow, FlowHash> flows_;
  Timers timers_;
  std::set<PacketId, PacketIdOrder> held_ids_;
  Counters counters_;
};

}  // namespace ctgate

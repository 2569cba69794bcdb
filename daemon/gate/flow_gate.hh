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
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "daemon/gate/counters.hh"
#include "daemon/gate/flow_hash.hh"
#include "daemon/gate/flow_key.hh"
#include "daemon/gate/leader_watch.hh"
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
  // Whether probed() will tell what waits in other queues. Without that, or where an answer is waited for, nobody knows
  // whether a leader is still under way, and max_hold is cut to max_hold_unseen.
  bool sees_queues = false;
};

struct ReleasedPacket {
  PacketId id;
  std::optional<Duration> held;  // for how long; empty: it was never held
  bool promoted = false;         // its verdict has to be one of its own, so that the kernel says if it is gone
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

// Every admitted datagram appears in `released` exactly once: in admit(), confirmed(), replied(), absent(), expire() or
// release_all(); or never, if it vanished(). Within a flow held datagrams appear in the order of admission; over a
// limit the flow's oldest goes at once, or the new one where the flow holds none.
class FlowGate {
 public:
  // How long a flow stays open (its datagrams pass at once). After confirmation: longer than the rule set's `held` set
  // sends the flow's datagrams here. After giving up: as long as the rule set's `pending` set does.
  static constexpr Duration open_after_confirmation = std::chrono::seconds(1);
  static constexpr Duration open_after_giving_up = std::chrono::seconds(30);
  // Where leaders are seen: like the rule set's set `pending`.
  static constexpr Duration leader_lifetime = std::chrono::seconds(30);
  static constexpr std::size_t max_flows = 65536;
  // An open flow is looked up again if it was not for so long: its entry may have been deleted.
  static constexpr Duration open_unchecked = std::chrono::milliseconds(5);
  static constexpr Duration max_hold_unseen = std::chrono::seconds(1);
  // A consumer that took long for the leader may queue new flows only, and take as long for each follower, until the
  // first answer makes the flow an old one. So after such a verdict the followers wait for the answer, too, for at most
  // this share of the time that it took.
  static constexpr Duration slow_verdict = VerdictTimes::slow;
  static constexpr int settle_share = 20;
  static constexpr Duration settle_lookups = std::chrono::milliseconds(2);
  // Between probes, the longer the younger: an eighth of the time since something new was held, within these.
  static constexpr Duration shortest_probe_interval = std::chrono::milliseconds(1);
  static constexpr Duration longest_probe_interval = std::chrono::milliseconds(50);

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

  // Conntrack has no confirmed entry of the flow (by lookup, at Decisions::lookups' request).
  void absent(const FlowKey& flow, Time now, Decisions& decisions);

  // What waits in the namespace's other queues now; to be called when probe_due().
  void probed(std::span<const ForeignQueue> queues, Time now, Decisions& decisions);
  // They could not be read.
  void probe_failed(Time now) { schedule_probe(now); }
  [[nodiscard]] bool probe_due(Time now) const { return next_probe_ && *next_probe_ <= now; }

  // The kernel had nothing to release under this id: a device went down, or somebody's base chain was removed. If it
  // was promoted, what else was held of its flow is gone as well, and is forgotten.
  void vanished(PacketId id);

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
    enum class State {
      waiting,   // what comes is held
      open,      // what comes passes
      given_up,  // the same, although no entry was ever seen
    } state = State::waiting;
    bool rechecked = false;  // was open, and is looked up again
    bool settling = false;   // confirmed, and waits for the answer for a moment
    bool suspect = false;    // its leader waits nowhere: gone, unless the lookup that is under way finds the entry
    std::uint32_t promotions = 0;
    std::optional<PacketId> promoted;  // the last one, while none is confirmed
    LeaderWatch leader;
    Time checked;  // by a lookup or event, while open
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
  void open(Flow& flow, Flow::State state, Time now, Duration lifetime, Decisions& decisions);
  void forget_held(Flow& flow);
  void forget_promoted(Flow& flow);
  void schedule_probe(Time now);
  [[nodiscard]] Duration max_hold() const;
  void promote(Flow& flow, Time now, Decisions& decisions);
  void overflow(PacketId id, Decisions& decisions);

  GateConfig config_;
  std::unordered_map<FlowKey, Flow, FlowHash> flows_;
  Timers timers_;
  std::unordered_set<Flow*> holding_;  // flows with a held datagram
  std::unordered_map<std::uint32_t, Flow*> promoted_;
  std::set<PacketId, PacketIdOrder> held_ids_;
  std::optional<Time> next_probe_;  // only while something is held
  Time newest_hold_;
  VerdictTimes verdict_times_;
  Counters counters_;
};

}  // namespace ctgate

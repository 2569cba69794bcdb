// SPDX-License-Identifier: GPL-2.0-or-later
// Connects the gate to where verdicts go and where conntrack answers, both behind small interfaces, so that the whole
// decision path runs in a test without a kernel.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "daemon/gate/flow_gate.hh"
#include "daemon/gate/verdict_plan.hh"

namespace ctgate {

// Where verdicts go. Never reports a failure: a verdict for a datagram that is gone is not an error.
class VerdictSink {
 public:
  virtual ~VerdictSink() = default;
  // At most Engine::verdicts_a_write single verdicts at a time. May run the accepted datagrams through the rest of the
  // stack before it returns.
  virtual void write(const VerdictPlan& plan) = 0;
};

// How far along conntrack's entry for a flow is. `none` covers entries that are not confirmed yet: ctnetlink does not
// find those.
enum class EntryState { none, confirmed, replied };

struct ConntrackChange {
  FlowKey original;
  FlowKey reply;
  EntryState state = EntryState::none;
};

class ConntrackView {
 public:
  virtual ~ConntrackView() = default;
  // Hands over the pending changes, or many of them, without blocking. False: the kernel dropped some (ENOBUFS); it may
  // say so each time.
  virtual bool drain(const std::function<void(const ConntrackChange&)>& each) = 0;
  // Finds an entry of which `flow` is either direction, so an answer's flow is found too.
  [[nodiscard]] virtual EntryState lookup(const FlowKey& flow) = 0;
};

class QueueView {
 public:
  virtual ~QueueView() = default;
  // What waits in the queues of the network namespace that are not the daemon's. Valid until the next call; empty: it
  // could not be read.
  [[nodiscard]] virtual std::optional<std::span<const ForeignQueue>> read() = 0;
};

struct QueuedPacket {
  PacketId id;
  std::optional<FlowKey> flow;  // empty: could not be parsed, is accepted
};

class Engine {
 public:
  // `alive` is called again and again during a long turn (at least once in `verdicts_a_write` verdicts and
  // `lookups_between_signs` lookups), so that whoever watches the thread can tell a long turn from a hang.
  static constexpr std::size_t verdicts_a_write = 512;
  static constexpr std::size_t lookups_between_signs = 256;
  // Rounds of lookups, verdicts and events in one turn. Each round may cause another one: verdicts confirm flows, lost
  // events ask for lookups. What is left after the last one waits for the next turn, which is due at once.
  static constexpr int max_rounds = 16;

  // Borrows the sink and the views for its lifetime.
  Engine(
      const GateConfig& config, std::uint64_t hash_seed, VerdictSink& verdicts, ConntrackView& conntrack,
      QueueView& queues, std::function<void()> alive = [] {});

  void configure(const GateConfig& config) { gate_.configure(config); }

  // Datagrams were read from the queue, in the order of their ids.
  void packets(std::span<const QueuedPacket> batch, Time now);
  // The kernel had nothing to release under these ids.
  void vanished(std::span<const PacketId> ids);
  // Events wait, or a deadline has come.
  void wake(Time now);
  // Lets everything go, in order to stop.
  void release_all(Time now);

  // When wake() has something to do next; in the past where the last turn left work.
  [[nodiscard]] std::optional<Time> next_deadline() const;
  [[nodiscard]] const FlowGate& gate() const { return gate_; }
  // The gate's included.
  [[nodiscard]] Counters counters() const;
  [[nodiscard]] const HoldHistogram& histogram() const { return histogram_; }

 private:
  void settle(Time now);
  void write_verdicts();
  void drain_events(Time now);
  void look_up(Time now);
  void observe(const FlowKey& flow, EntryState state, Time now);

  FlowGate gate_;
  VerdictSink& verdicts_;
  ConntrackView& conntrack_;
  QueueView& queues_;
  std::function<void()> alive_;
  Decisions decisions_;         // what is still to do; empty between turns unless the last one reached max_rounds
  std::vector<FlowKey> asked_;  // scratch of look_up()
  VerdictPlan plan_, part_;     // scratch of write_verdicts()
  Counters counters_;           // what is not the gate's
  HoldHistogram histogram_{};
};

}  // namespace ctgate

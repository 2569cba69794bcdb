// SPDX-License-Identifier: GPL-2.0-or-later
// Connects the gate to where verdicts go and where conntrack answers, both behind small interfaces, so that the whole
// decision path runs in a test without a kernel.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "daemon/gate/flow_gate.hh"
#include "daemon/gate/verdict_plan.hh"

namespace ctgate {

// Where verdicts go. Never fails towards the caller: a verdict for a datagram that is gone is no error.
class VerdictSink {
 public:
  virtual ~VerdictSink() = default;
  // May run the accepted datagrams through the rest of the stack before it returns.
  virtual void write(const VerdictPlan& plan) = 0;
};

// What conntrack knows of a flow. `none` covers entries that are not confirmed yet: ctnetlink does not find those.
enum class FlowState { none, confirmed, replied };

struct ConntrackChange {
  FlowKey original;
  FlowKey reply;
  FlowState state = FlowState::none;
};

class ConntrackView {
 public:
  virtual ~ConntrackView() = default;
  // Hands over the changes that wait, or many of them, without blocking. False: the kernel dropped some (ENOBUFS).
  virtual bool drain(const std::function<void(const ConntrackChange&)>& each) = 0;
  // Finds an entry of which `flow` is either direction, so an answer's flow is found too.
  [[nodiscard]] virtual FlowState lookup(const FlowKey& flow) = 0;
};

struct QueuedPacket {
  PacketId id;
  std::optional<FlowKey> flow;  // empty: could not be parsed, is accepted
};

struct EngineCounters {
  std::uint64_t unparsed = 0;
  std::uint64_t events = 0;
  std::uint64_t event_overruns = 0;
  std::uint64_t lookups = 0;
};

// Upper bounds of the hold-time histogram's buckets; the last one is open.
inline constexpr std::array<std::chrono::microseconds, 14> hold_bounds{
    std::chrono::microseconds(50),     std::chrono::microseconds(100),    std::chrono::microseconds(250),
    std::chrono::microseconds(500),    std::chrono::microseconds(1000),   std::chrono::microseconds(2500),
    std::chrono::microseconds(5000),   std::chrono::microseconds(10000),  std::chrono::microseconds(25000),
    std::chrono::microseconds(50000),  std::chrono::microseconds(100000), std::chrono::microseconds(250000),
    std::chrono::microseconds(500000), std::chrono::microseconds(1000000)};
using HoldHistogram = std::array<std::uint64_t, hold_bounds.size() + 1>;

class Engine {
 public:
  // Borrows both for its lifetime.
  Engine(const GateConfig& config, std::uint64_t hash_seed, VerdictSink& verdicts, ConntrackView& conntrack);

  void configure(const GateConfig& config) { gate_.configure(config); }

  // Datagrams were read from the queue, in the order of their ids.
  void packets(std::span<const QueuedPacket> batch, Time now);
  // Events wait, or a deadline has come.
  void wake(Time now);
  // Lets everything go, for a stop.
  void release_all(Time now);

  [[nodiscard]] std::optional<Time> next_deadline() const { return gate_.next_deadline(); }
  [[nodiscard]] const FlowGate& gate() const { return gate_; }
  [[nodiscard]] const EngineCounters& counters() const { return counters_; }
  [[nodiscard]] const HoldHistogram& histogram() const { return histogram_; }

 private:
  void settle(Time now);
  void write_verdicts();
  void drain_events(Time now);
  void look_up(Time now);
  void observe(const FlowKey& flow, FlowState state, Time now);

  FlowGate gate_;
  VerdictSink& verdicts_;
  ConntrackView& conntrack_;
  Decisions decisions_;
  std::vector<FlowKey> asked_;  // scratch of look_up()
  VerdictPlan plan_;
  EngineCounters counters_;
  HoldHistogram histogram_{};
};

}  // namespace ctgate

// SPDX-License-Identifier: GPL-2.0-or-later
// Random interleavings of datagrams, confirmations, answers, event losses, lookups, deadlines, probes and losses in the
// kernel. Whatever happens: every datagram gets exactly one verdict unless it vanished, a flow's held datagrams keep
// their order, limits hold, and a flow has a second leader only if the first one was seen to wait nowhere, or after
// max_hold.
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <random>
#include <span>
#include <utility>

#include "daemon/gate/flow_gate.hh"
#include "daemon/gate/verdict_plan.hh"
#include "tests/support/flows.hh"

namespace ctgate {
namespace {

using namespace std::chrono_literals;

constexpr int interleavings = 100'000;
constexpr int steps = 60;
constexpr std::uint32_t flows = 5;

class Interleaving {
 public:
  explicit Interleaving(std::uint64_t seed)
      : random_(seed),
        config_(random_config()),
        gate_(config_, seed),
        next_id_(static_cast<std::uint32_t>(random_())) {}

  void run() {
    for (int step = 0; step < steps && !::testing::Test::HasFailure(); ++step) {
      now_ += std::chrono::milliseconds(below(4) == 0 ? below(80) : below(3));
      const auto before = decisions_.released.size();
      one_step();
      check_promotions(before);
      check_limits();
      // One of several calls is not followed by the verdicts at once, as in one turn of the worker.
      if (below(4) != 0) give_verdicts();
    }
    finish();
  }

 private:
  struct Wait {
    int held = 0;  // datagrams that are held now
    Time since;    // the first of them came, or the last leader went
  };
  struct Datagram {
    std::uint32_t flow;
    bool held = false;
    bool accepted = false;
    bool vanished = false;
  };

  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

  GateConfig random_config() {
    GateConfig config;
    config.limits.max_hold = Milliseconds(20 + below(200));
    config.limits.max_promotions = static_cast<std::uint32_t>(below(4));
    config.limits.held_per_flow = 1 + static_cast<std::uint32_t>(below(6));
    config.limits.held_total = config.limits.held_per_flow + static_cast<std::uint32_t>(below(10));
    config.release = below(4) == 0 ? Release::replied : Release::confirmed;
    config.sees_leaders = below(4) == 0;
    config.sees_queues = below(2) == 0;
    if (below(4) == 0) config.lookup_interval = std::chrono::milliseconds(1 + below(20));
    return config;
  }

  void one_step() {
    const auto number = static_cast<std::uint32_t>(below(flows));
    const FlowKey key = test::flow(number);
    switch (below(16)) {
      case 0:
        return gate_.confirmed(key, now_, decisions_);
      case 1:
        return gate_.replied(key, now_, decisions_);
      case 2:
        return gate_.events_lost(decisions_);
      case 3:
      case 4:
        return gate_.expire(now_, decisions_);
      case 5:
        return look_up();
      case 6:
        return vanish();
      case 7:
      case 8:
      case 9:
      case 10:
        return probe();
      default:
        return admit(number, key);
    }
  }

  // Everything that was asked for is unknown.
  void look_up() {
    const auto asked = std::exchange(decisions_.lookups, {});
    for (const auto& key : asked) gate_.absent(key, now_, decisions_);
  }

  // Whoever holds the leader of some flow keeps it: the count never falls, and ids do not rise.
  void probe() {
    const bool something_waits = below(3) == 0;
    if (something_waits) empty_looks_ = 0;
    if (!something_waits && empty_looks_++ == 0) empty_since_ = now_;
    const std::array one{ForeignQueue{.number = 1, .waiting = 1, .last_id = 1}};
    gate_.probed(something_waits ? std::span<const ForeignQueue>(one) : std::span<const ForeignQueue>(), now_,
                 decisions_);
  }

  void vanish() {
    give_verdicts();  // the kernel answers to one
    if (promoted_.empty()) return;
    const auto [id, flow] = *promoted_.begin();
    promoted_.erase(promoted_.begin());
    const auto held = gate_.held();
    gate_.vanished(PacketId{id});
    if (gate_.held() == held) return;
    waits_[flow].held = 0;
    for (auto& [other, datagram] : datagrams_) {
      if (datagram.flow == flow && datagram.held && !datagram.accepted) datagram.accepted = datagram.vanished = true;
    }
  }

  void admit(std::uint32_t number, const FlowKey& key) {
    const std::uint32_t id = next_id_++;
    datagrams_[id] = {number};
    const auto held = gate_.counters().held;
    gate_.admit(key, PacketId{id}, now_, decisions_);
    datagrams_[id].held = gate_.counters().held == held + 1;
    auto& wait = waits_[number];
    if (datagrams_[id].held && wait.held++ == 0) wait.since = now_;
  }

  // Carries the plan out as the kernel would: a batch takes everything at or below its id that is still queued.
  void give_verdicts() {
    plan_verdicts(decisions_.released, gate_.oldest_held(), plan_);
    std::size_t accepted = 0;
    for (const auto id : plan_.accept_first) accept(id.value, accepted);
    if (plan_.accept_up_to) {
      for (auto& [id, datagram] : datagrams_) {
        if (plan_.accept_up_to->before(PacketId{id}) || datagram.accepted) continue;
        accept(id, accepted);
      }
    }
    for (const auto id : plan_.accept) accept(id.value, accepted);
    ASSERT_EQ(accepted, decisions_.released.size()) << "the plan accepts what was released, no more and no less";
    check_order();
    decisions_.clear();
  }

  void accept(std::uint32_t id, std::size_t& accepted) {
    ASSERT_TRUE(datagrams_.contains(id));
    ASSERT_FALSE(datagrams_[id].accepted) << "a second verdict for " << id;
    datagrams_[id].accepted = true;
    ++accepted;
  }

  // Within a flow, what was held is released in the order of arrival.
  void check_order() {
    for (const auto& packet : decisions_.released) {
      const Datagram& datagram = datagrams_[packet.id.value];
      ASSERT_EQ(datagram.held, packet.held.has_value());
      if (!datagram.held) continue;
      auto& last = last_released_[datagram.flow];
      ASSERT_TRUE(!last || last->before(packet.id)) << "flow " << datagram.flow;
      last = packet.id;
    }
  }

  void check_promotions(std::size_t first) {
    for (std::size_t i = first; i < decisions_.released.size(); ++i) {
      const auto& packet = decisions_.released[i];
      auto& wait = waits_[datagrams_[packet.id.value].flow];
      if (packet.promoted) check_promotion(packet, datagrams_[packet.id.value].flow, now_ - wait.since);
      if (packet.promoted) wait.since = now_;
      if (packet.held) --wait.held;
    }
  }

  void check_promotion(const ReleasedPacket& packet, std::uint32_t flow, Duration taken) {
    promoted_[packet.id.value] = flow;
    const Duration shortest = std::min<Duration>(config_.limits.max_hold, 1s);
    const Duration max_hold =
        config_.sees_queues && config_.release == Release::confirmed ? Duration(config_.limits.max_hold) : shortest;
    const bool waited = taken >= max_hold;
    const bool seen_gone = empty_looks_ >= LeaderWatch::empty_looks && now_ - empty_since_ >= LeaderWatch::empty_for;
    ASSERT_TRUE(waited || seen_gone) << "flow " << flow << " has two leaders under way";
  }

  void check_limits() const {
    ASSERT_LE(gate_.held(), config_.limits.held_total);
    ASSERT_LE(gate_.held(), std::size_t{config_.limits.held_per_flow} * flows);
    ASSERT_LE(gate_.counters().flows_holding, gate_.flows());
    ASSERT_EQ(gate_.held() == 0, !gate_.oldest_held());
    std::size_t vanished = 0;
    for (const auto& [id, datagram] : datagrams_) vanished += datagram.vanished ? 1 : 0;
    ASSERT_EQ(gate_.counters().held - gate_.counters().released - vanished, gate_.held());
    if (gate_.held() > 0) {
      ASSERT_TRUE(gate_.next_deadline()) << "nothing may be held without a deadline";
    }
  }

  // With no event ever coming, deadlines alone let everything go, in bounded time.
  void finish() {
    const Time end = now_ + config_.limits.max_hold * (config_.limits.max_promotions + 2);
    while (gate_.held() > 0 && !::testing::Test::HasFailure()) {
      now_ = *gate_.next_deadline();
      ASSERT_LE(now_, end);
      gate_.expire(now_, decisions_);
      if (gate_.probe_due(now_)) gate_.probe_failed(now_);
    }
    give_verdicts();
    for (const auto& [id, datagram] : datagrams_) ASSERT_TRUE(datagram.accepted) << id;
    ASSERT_EQ(gate_.counters().queued, datagrams_.size());
  }

  std::mt19937_64 random_;
  GateConfig config_;
  FlowGate gate_;
  Decisions decisions_;
  VerdictPlan plan_;
  std::map<std::uint32_t, Datagram,
           decltype([](std::uint32_t a, std::uint32_t b) { return PacketId{a}.before(PacketId{b}); })>
      datagrams_;
  std::map<std::uint32_t, std::optional<PacketId>> last_released_;
  std::map<std::uint32_t, std::uint32_t> promoted_;  // id to flow
  std::map<std::uint32_t, Wait> waits_;
  int empty_looks_ = 0;
  Time empty_since_;
  Time now_ = Time{} + 1h;
  std::uint32_t next_id_;
};

TEST(FlowGateProperty, EveryInterleavingGivesEveryDatagramOneVerdictInOrder) {
  for (int seed = 0; seed < interleavings; ++seed) {
    Interleaving(static_cast<std::uint64_t>(seed)).run();
    ASSERT_FALSE(HasFailure()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace ctgate

// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/lab/scenario.hh"

#include <array>

#include "daemon/lab/conntrack_stats.hh"
#include "daemon/lab/consumer.hh"
#include "daemon/lab/daemon.hh"
#include "daemon/lab/resolver.hh"
#include "daemon/lab/servers.hh"
#include "daemon/lab/third_party.hh"
#include "daemon/lab/topology.hh"
#include "daemon/lab/traffic.hh"

namespace ctgate::lab {
namespace {

using std::chrono::milliseconds;

constexpr std::uint16_t third_party_queue = 1;
constexpr std::uint16_t server_port = 9000;
constexpr milliseconds answer_grace{1000};  // on top of the servers' own delay

constexpr std::array all_scenarios{
    Scenario{.name = "no-nat", .summary = "plain forwarding"},
    Scenario{.name = "masquerade", .summary = "masquerade", .nat = Nat::masquerade},
    Scenario{
        .name = "masquerade-fully-random", .summary = "masquerade fully-random", .nat = Nat::masquerade_fully_random},
    Scenario{.name = "dnat-two-backends", .summary = "DNAT to two backends", .nat = Nat::dnat_two_backends},
    Scenario{.name = "late-answers",
             .summary = "answers after 1.5 s",
             .nat = Nat::masquerade_fully_random,
             .answer_delay = milliseconds(1500)},
    Scenario{.name = "output-dnat",
             .summary = "sender on the gateway, DNAT to two backends",
             .nat = Nat::dnat_two_backends,
             .from_gateway = true},
    Scenario{.name = "ipv6-dnat",
             .summary = "IPv6, DNAT to two backends",
             .family = Family::ipv6,
             .nat = Nat::dnat_two_backends},
    Scenario{.name = "resolver",
             .summary = "getaddrinfo, masquerade fully-random",
             .nat = Nat::masquerade_fully_random,
             .resolver = true},
};

std::string nat_rules(const Scenario& scenario) {
  switch (scenario.nat) {
    case Nat::none:
      return nat::tracking_only(scenario.family);
    case Nat::masquerade:
      return nat::masquerade(scenario.family, false);
    case Nat::masquerade_fully_random:
      return nat::masquerade(scenario.family, true);
    case Nat::dnat_two_backends:
      return nat::dnat_to_backends(scenario.family, scenario.from_gateway);
  }
  return {};
}

// The part that BurstResult and LookupResult have in common.
template <typename Traffic>
RunResult from_traffic(const Traffic& traffic) {
  RunResult result;
  result.flows = traffic.flows;
  result.sent = traffic.sent;
  result.answered = traffic.answered;
  result.lost = traffic.lost;
  result.split_flows = traffic.split_flows;
  result.out_of_order_flows = traffic.out_of_order_flows;
  return result;
}

Expected<RunResult> send_bursts(const Topology& topology, const Scenario& scenario, const Load& load) {
  auto servers = Servers::start(
      topology.server(), {.family = scenario.family, .port = server_port, .answer_delay = scenario.answer_delay});
  if (!servers) return tl::unexpected(servers.error());
  const auto addresses = Topology::addresses(scenario.family);
  const auto& target = scenario.nat == Nat::dnat_two_backends ? addresses.service : addresses.backends[0];
  BurstOptions options;
  options.flows = load.flows;
  options.datagrams = load.datagrams;
  options.answer_deadline = scenario.answer_delay + answer_grace;
  const auto& sender = scenario.from_gateway ? topology.gateway() : topology.client();
  return burst(sender, {target, server_port}, options, **servers).map(from_traffic<BurstResult>);
}

Expected<RunResult> send_lookups(const Topology& topology, const Scenario& scenario, const Load& load) {
  const auto server = Topology::addresses(scenario.family).backends[0];
  const auto dnsmasq = Dnsmasq::start(topology.server(), server);
  if (!dnsmasq) return tl::unexpected(dnsmasq.error());
  return look_names_up(topology.client(), server, load.lookups, *dnsmasq).map(from_traffic<LookupResult>);
}

// Traffic, and what conntrack's counters say about it.
Expected<RunResult> measure(const Topology& topology, const Scenario& scenario, const Load& load) {
  const auto before = read_conntrack_stats(topology.gateway());
  if (!before) return tl::unexpected(before.error());
  auto result = scenario.resolver ? send_lookups(topology, scenario, load) : send_bursts(topology, scenario, load);
  if (!result) return result;
  const auto after = read_conntrack_stats(topology.gateway());
  if (!after) return tl::unexpected(after.error());
  const auto delta = *after - *before;
  result->clash_resolve = delta.clash_resolve;
  result->insert_failed = delta.insert_failed;
  return result;
}

Expected<RunResult> measure_with_ctgated(const Topology& topology, const Scenario& scenario, const Load& load) {
  auto daemon = Daemon::start(topology.gateway());
  if (!daemon) return tl::unexpected(daemon.error());
  auto result = measure(topology, scenario, load);
  if (!result) return result;
  const auto status = daemon->status();
  if (!status) return system_error("ctgated no longer answers: " + status.error().message + "\n" + daemon->log());
  result->held = status->value("held_total", std::uint64_t{0});
  result->backend = status->value("backend", std::string("unknown"));
  return result;
}

}  // namespace

std::span<const Scenario> scenarios() {
  return all_scenarios;
}

Expected<RunResult> run_scenario(const Scenario& scenario, const Load& load, bool with_ctgated) {
  auto topology = Topology::create();
  if (!topology) return tl::unexpected(topology.error());
  const auto& gateway = topology->gateway();
  if (auto done = gateway.nft(nat_rules(scenario)); !done) return tl::unexpected(done.error());
  // The consumer first: a rule whose queue nobody reads lets traffic pass.
  const auto consumer = DelayingConsumer::start(gateway, {.queue = third_party_queue, .delay = third_party_delay});
  if (!consumer) return tl::unexpected(consumer.error());
  const auto hook = scenario.from_gateway ? ThirdPartyRule::Hook::output : ThirdPartyRule::Hook::forward;
  if (auto done = install_third_party(gateway, {.hook = hook, .queue = third_party_queue}); !done) {
    return tl::unexpected(done.error());
  }
  auto result = with_ctgated ? measure_with_ctgated(*topology, scenario, load) : measure(*topology, scenario, load);
  if (result && (*consumer)->packets_seen() == 0) {
    return system_error("no datagram went through the third party's queue: does the kernel have nfnetlink_queue?");
  }
  return result;
}

}  // namespace ctgate::lab

// SPDX-License-Identifier: GPL-2.0-or-later
// Rendering of the policy into rules. Whether the kernel takes them is for the net tests.
#include <gtest/gtest.h>

#include <array>

#include "daemon/rules/render_iptables.hh"
#include "daemon/rules/render_nftables.hh"
#include "daemon/rules/rule_set.hh"
#include "daemon/rules/selection.hh"
#include "policy/toml/parse.hh"

namespace ctgate::rules {
namespace {

Policy policy(std::string_view text) {
  const auto parsed = parse_policy(text, "test.toml");
  if (!parsed) throw std::runtime_error(parsed.error().front().to_string());
  return *parsed;
}

std::string nftables(const Policy& policy, Family family = Family::ipv4, Backend backend = Backend::nftables) {
  return render_install(policy, {backend, std::chrono::seconds(20)}, std::array{family});
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(Selection, PortsThatOverlapOrTouchAreJoined) {
  EXPECT_EQ(merge_ports({{53, 53}, {5300, 5399}, {5350, 5400}, {5401, 5401}, {54, 54}}),
            (std::vector<PortRange>{{53, 54}, {5300, 5401}}));
  EXPECT_EQ(merge_ports({{65535, 65535}, {1, 65535}}), (std::vector<PortRange>{{1, 65535}}));
}

TEST(Selection, NestedPrefixesAreDropped) {
  const auto cidr = [](std::string_view text) { return *Cidr::parse(text); };
  EXPECT_EQ(
      drop_nested({cidr("10.1.0.0/16"), cidr("10.0.0.0/8"), cidr("::/0"), cidr("192.0.2.1/32"), cidr("10.0.0.0/8")}),
      (std::vector<Cidr>{cidr("::/0"), cidr("10.0.0.0/8"), cidr("192.0.2.1/32")}));
}

TEST(Selection, RuleOfTheOtherFamilyIsLeftOut) {
  const auto p = policy("[[rule]]\nname='six'\ndestinations=['2001:db8::/32']\naction='pass'\n");
  EXPECT_TRUE(select_rules(p, Hook::output, Family::ipv4).empty());
  EXPECT_EQ(select_rules(p, Hook::output, Family::ipv6).size(), 1U);
}

TEST(Selection, DirectionsAndUsersChooseTheHook) {
  const auto p = policy(
      "[[rule]]\nname='out'\ndirection='output'\n[[rule]]\nname='fwd'\ndirection='forward'\n"
      "[[rule]]\nname='any'\n[[rule]]\nname='user'\nusers=[0]\n");
  const auto names = [&](Hook hook) {
    std::string text;
    for (const auto& selector : select_rules(p, hook, Family::ipv4)) text += selector.rule->name + " ";
    return text;
  };
  EXPECT_EQ(names(Hook::prerouting), "fwd any ");
  EXPECT_EQ(names(Hook::output), "out any user ");
}

TEST(RenderNftables, NeverDeletesAChainOrTable) {
  const auto text = nftables(policy(""));
  EXPECT_FALSE(contains(text, "delete chain"));
  EXPECT_FALSE(contains(text, "delete table"));
  EXPECT_TRUE(contains(text, "type filter hook prerouting priority -250"));
}

TEST(RenderNftables, DryRunHasNoHook) {
  const auto text = render_probe(policy(""), {Backend::nftables, std::chrono::seconds(20)}, std::array{Family::ipv4});
  EXPECT_FALSE(contains(text, " hook "));
}

TEST(RenderNftables, QueueStatementBypassesOnlyInTheNativeBackend) {
  EXPECT_TRUE(contains(nftables(policy("")), "queue_5380 queue flags bypass to 5380\n"));
  EXPECT_FALSE(contains(nftables(policy(""), Family::ipv4, Backend::nftables_xt), "queue flags"));
}

TEST(RenderNftables, SeveralQueuesAreChosenByAHashOfPortsAndAddresses) {
  EXPECT_TRUE(contains(nftables(policy("[daemon]\nqueues=2\n")),
                       "jhash ip saddr . udp sport . ip daddr . udp dport mod 2 vmap { 0 : goto queue_5380, 1 : goto "
                       "queue_5381 }"));
}

TEST(RenderNftables, ExemptDestinationsPass) {
  EXPECT_TRUE(contains(nftables(policy("")),
                       "gate meta pkttype != host accept\n"
                       "add rule ip ctgate gate ip daddr 224.0.0.0/4 accept\n"
                       "add rule ip ctgate gate ip daddr 255.255.255.255 accept\n"
                       "add rule ip ctgate gate ct state"));
  EXPECT_TRUE(contains(nftables(policy(""), Family::ipv6),
                       "gate meta pkttype != host accept\n"
                       "add rule ip6 ctgate gate ip6 daddr ff00::/8 accept\n"
                       "add rule ip6 ctgate gate ct state"));
}

TEST(RenderNftables, RuleMatchesBecomeSets) {
  const auto text = nftables(
      policy("[[rule]]\nname='dns'\ndestination_ports=[53,'5300-5399']\ndestinations=['10.0.0.0/8','192.0.2.1']\n"
             "action='pass'\n[default]\naction='gate'\n"));
  EXPECT_TRUE(contains(
      text, "prerouting ip daddr { 10.0.0.0/8, 192.0.2.1/32 } udp dport { 53, 5300-5399 } accept comment \"dns\"\n"))
      << text;
  EXPECT_TRUE(contains(text, "prerouting goto gate\n"));
}

TEST(RenderNftables, InterfacesAndUsersAndLocality) {
  const auto text = nftables(
      policy("[[rule]]\nname='a'\ninterfaces=['eth*','wg0']\ndirection='input'\n[[rule]]\nname='b'\nusers=[33]\n"));
  EXPECT_TRUE(contains(text, "prerouting iifname \"eth*\" fib daddr type local goto gate comment \"a\"\n")) << text;
  EXPECT_TRUE(contains(text, "prerouting iifname \"wg0\" fib daddr type local goto gate comment \"a\"\n"));
  EXPECT_TRUE(contains(text, "output meta skuid { 33 } goto gate_output comment \"b\"\n"));
}

TEST(RenderNftables, RepliedRulesHaveTheirOwnQueueAndSet) {
  const auto text = nftables(policy("[[rule]]\nname='order'\nrelease='replied'\n"));
  EXPECT_TRUE(contains(text, "goto gate_replied comment \"order\""));
  EXPECT_TRUE(contains(text, "queue_5381 queue flags bypass to 5381"));
  EXPECT_TRUE(contains(text, "@awaiting"));
  EXPECT_TRUE(contains(text, "output goto gate_replied_output comment \"order\""));
  EXPECT_FALSE(contains(nftables(policy("")), "@awaiting"));
}

TEST(RenderNftables, ConfirmedFlowsAreAskedForFirstWhereTheDefaultIsToGate) {
  EXPECT_TRUE(contains(nftables(policy("")),
                       "prerouting ip saddr . udp sport . ip daddr . udp dport @confirmed accept\n"
                       "add rule ip ctgate prerouting meta l4proto != udp accept\n"
                       "add rule ip ctgate prerouting goto gate\n"));
  const auto passing = nftables(policy("[[rule]]\nname='dns'\ndestination_ports=[53]\n[default]\naction='pass'\n"));
  EXPECT_FALSE(contains(passing, "prerouting ip saddr . udp sport . ip daddr . udp dport @confirmed"));
  EXPECT_TRUE(contains(passing, "gate ip saddr . udp sport . ip daddr . udp dport @confirmed accept\n"));
}

// Both must be the same hash: without a seed the kernel chooses one for each.
TEST(RenderNftables, MarksAreKeptAndFoundByTheSameHash) {
  const auto text = nftables(policy(""));
  const std::string hash = "jhash ip saddr . udp sport . ip daddr . udp dport mod 4294967295 seed 0xc76a7e";
  EXPECT_TRUE(contains(text, "update @marks { " + hash + " timeout 2s : meta mark }"));
  EXPECT_TRUE(contains(text, "meta mark set " + hash + " meta mark set meta mark map @marks return"));
}

TEST(RenderNftables, NewFlowsOfASourceAreLimited) {
  EXPECT_TRUE(contains(nftables(policy("[gate]\nnew_flows_per_source='10/s'\n")),
                       "update @sources { ip saddr timeout 10s limit rate over 10/second burst 20 packets } "));
  EXPECT_TRUE(contains(nftables(policy(""), Family::ipv6),
                       "update @sources { ip6 saddr & ffff:ffff:ffff:ffff:: timeout 10s limit rate over 1000/second "));
}

TEST(RenderNftables, MarksBecomeALineEach) {
  const auto text = nftables(policy("[[rule]]\nname='m'\nmarks=['0x40/0xf0','7']\naction='pass'\n"));
  EXPECT_TRUE(contains(text, "prerouting meta mark & 0xf0 == 0x40 accept comment \"m\"\n")) << text;
  EXPECT_TRUE(contains(text, "output meta mark 0x7 accept comment \"m\"\n"));
}

TEST(RenderIptables, MarksBecomeALineEach) {
  const auto text =
      render_iptables(policy("[[rule]]\nname='m'\nmarks=['0x40/0xf0','7']\naction='pass'\n"), Family::ipv4, {});
  EXPECT_TRUE(contains(text, " -p udp -m mark --mark 0x40/0xf0 -m comment --comment \"m\" -j RETURN\n")) << text;
  EXPECT_TRUE(contains(text, " -p udp -m mark --mark 0x7/0xffffffff "));
}

TEST(RenderIptables, ReplacesItsChainsAndQueuesWithBypass) {
  const auto text = render_iptables(policy(""), Family::ipv4, jumps);
  EXPECT_TRUE(contains(text, "*raw\n:CTGATE_PREROUTING - [0:0]\n"));
  EXPECT_TRUE(contains(text, "-A PREROUTING -p udp -j CTGATE_PREROUTING\n"));
  EXPECT_TRUE(contains(text, "-A CTGATE_OUTPUT -p udp -j NFQUEUE --queue-num 5380 --queue-bypass\nCOMMIT\n"));
  EXPECT_FALSE(contains(render_iptables(policy(""), Family::ipv4, {}), "-A PREROUTING "));
}

TEST(RenderIptables, ExemptDestinationsPass) {
  EXPECT_TRUE(contains(render_iptables(policy(""), Family::ipv4, {}),
                       "-A CTGATE_OUTPUT -o lo -j RETURN\n"
                       "-A CTGATE_OUTPUT -d 224.0.0.0/4 -j RETURN\n"
                       "-A CTGATE_OUTPUT -d 255.255.255.255/32 -j RETURN\n"
                       "-A CTGATE_OUTPUT -m conntrack "));
  EXPECT_TRUE(contains(render_iptables(policy(""), Family::ipv6, {}),
                       "-A CTGATE_PREROUTING -i lo -j RETURN\n"
                       "-A CTGATE_PREROUTING -d ff00::/8 -j RETURN\n"
                       "-A CTGATE_PREROUTING -m pkttype ! --pkt-type unicast -j RETURN\n"));
}

TEST(RenderIptables, ManyPortsAreSplitIntoGroupsOfFifteen) {
  std::string ports;
  for (int port = 1; port <= 40; port += 2) ports += std::to_string(port) + ",";
  const auto text =
      render_iptables(policy("[[rule]]\nname='p'\ndestination_ports=[" + ports + "]\n"), Family::ipv4, {});
  EXPECT_TRUE(contains(text, "--dports 1,3,5,7,9,11,13,15,17,19,21,23,25,27,29 "));
  EXPECT_TRUE(contains(text, "--dports 31,33,35,37,39 "));
}

TEST(RenderIptables, PrefixOfInterfacesAndPassRules) {
  const auto text =
      render_iptables(policy("[[rule]]\nname='p'\ninterfaces=['eth*']\naction='pass'\n"), Family::ipv6, {});
  EXPECT_TRUE(contains(text, "-A CTGATE_PREROUTING -i eth+ -p udp -m comment --comment \"p\" -j RETURN\n")) << text;
  EXPECT_TRUE(contains(text, "-A CTGATE_OUTPUT -o eth+ -p udp"));
}

TEST(Backend, NamesRoundTrip) {
  for (const auto backend : {Backend::nftables, Backend::nftables_xt, Backend::iptables}) {
    EXPECT_EQ(backend_from_string(to_string(backend)), backend);
  }
  EXPECT_EQ(backend_from_string("ipfw"), std::nullopt);
}

}  // namespace
}  // namespace ctgate::rules

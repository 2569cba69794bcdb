// SPDX-License-Identifier: GPL-2.0-or-later
// Which rule a flow hits, and the reasons given.
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "policy/match/match.hh"
#include "policy/toml/parse.hh"

namespace ctgate {
namespace {

using Reasons = std::vector<std::string>;

// A local sender's flow to port 53 of 198.51.100.53 or to `destination`.
FlowFacts flow_to(std::string_view destination = "198.51.100.53", std::uint16_t port = 53) {
  FlowFacts flow;
  flow.destination = Address::parse(destination).value();
  flow.source = Address::parse(flow.destination.family == Family::ipv4 ? "192.0.2.1" : "2001:db8::1").value();
  flow.source_port = 40000;
  flow.destination_port = port;
  return flow;
}

// A policy whose only rule is "r" with these further lines and action "pass", so that a hit differs from the default.
Policy with_rule(const std::string& lines) {
  std::string text = "[[rule]]\nname = \"r\"\naction = \"pass\"\n";
  text += lines;
  const auto policy = parse_policy(text, "policy.toml");
  EXPECT_TRUE(policy) << to_string(policy.error());
  return policy.value();
}

TEST(Match, NoRules) {
  const auto result = match(Policy{}, flow_to());
  EXPECT_FALSE(result.rule);
  EXPECT_EQ(result.action, Action::gate);
  EXPECT_EQ(result.release, Release::confirmed);
  EXPECT_EQ(result.why, "default: the policy has no rules");
}

TEST(Match, RuleWithoutConditionsMatchesAll) {
  const auto result = match(with_rule(""), flow_to());
  EXPECT_EQ(result.rule, 0U);
  EXPECT_EQ(result.action, Action::pass);
  EXPECT_EQ(result.why, "rule \"r\": it has no conditions");
}

TEST(Match, FirstMatchWinsAndEarlierRulesSayWhyNot) {
  const auto policy = parse_policy(
      "[[rule]]\nname = \"dns\"\ndestination_ports = [53, \"5300-5399\"]\n"
      "[[rule]]\nname = \"web\"\ndestination_ports = [80]\nrelease = \"replied\"\n"
      "[[rule]]\nname = \"all\"\naction = \"pass\"\n",
      "policy.toml");
  const auto result = match(policy.value(), flow_to("198.51.100.1", 80));
  EXPECT_EQ(result.rule, 1U);
  EXPECT_EQ(result.action, Action::gate);
  EXPECT_EQ(result.release, Release::replied);
  EXPECT_EQ(result.rejected, Reasons{"rule \"dns\": destination port 80 is not in 53, 5300-5399"});
  EXPECT_EQ(result.why, "rule \"web\": destination port 80 is in 80");
}

TEST(Match, DefaultDecidesWhenNoRuleMatches) {
  auto policy = with_rule("destination_ports = [1]\n");
  policy.default_release = Release::replied;
  const auto result = match(policy, flow_to());
  EXPECT_FALSE(result.rule);
  EXPECT_EQ(result.action, Action::gate);
  EXPECT_EQ(result.release, Release::replied);
  EXPECT_EQ(result.why, "default: no rule matches");
}

TEST(Match, PortRangesAreInclusive) {
  const auto policy = with_rule("destination_ports = [\"5300-5399\"]\n");
  for (const auto& [port, hit] : {std::pair{5299, false}, {5300, true}, {5399, true}, {5400, false}})
    EXPECT_EQ(match(policy, flow_to("198.51.100.1", static_cast<std::uint16_t>(port))).rule.has_value(), hit) << port;
}

TEST(Match, DestinationsOfBothFamilies) {
  const auto policy = with_rule("destinations = [\"198.51.100.0/24\", \"2001:db8:1::/48\"]\n");
  EXPECT_TRUE(match(policy, flow_to("198.51.100.255")).rule);
  EXPECT_TRUE(match(policy, flow_to("2001:db8:1::5")).rule);
  EXPECT_EQ(match(policy, flow_to("2001:db8:2::5")).rejected,
            Reasons{"rule \"r\": destination 2001:db8:2::5 is not in 198.51.100.0/24, 2001:db8:1::/48"});
}

TEST(Match, Direction) {
  const auto policy = with_rule("direction = \"forward\"\n");
  auto flow = flow_to();
  EXPECT_EQ(match(policy, flow).rejected, Reasons{"rule \"r\": direction is output, not forward"});
  flow.direction = Direction::forward;
  EXPECT_EQ(match(policy, flow).why, "rule \"r\": direction is forward");
  flow.direction = Direction::any;
  EXPECT_EQ(match(policy, flow).rejected,
            Reasons{"rule \"r\": direction of the flow is unknown, the rule wants forward"});
}

TEST(Match, InterfaceNamesAndPrefixes) {
  const auto policy = with_rule("interfaces = [\"eth*\", \"lan0\"]\n");
  auto flow = flow_to();
  for (const auto& [name, hit] :
       {std::pair{"eth0", true}, {"eth", true}, {"lan0", true}, {"lan01", false}, {"et", false}}) {
    flow.interface = name;
    EXPECT_EQ(match(policy, flow).rule.has_value(), hit) << name;
  }
  EXPECT_EQ(match(policy, flow).rejected, Reasons{"rule \"r\": interface et is not in eth*, lan0"});
}

TEST(Match, UnknownInterfaceDoesNotMatchAndIsSaid) {
  EXPECT_EQ(match(with_rule("interfaces = [\"eth*\"]\n"), flow_to()).rejected,
            Reasons{"rule \"r\": interface of the flow is unknown, the rule wants eth*"});
}

TEST(Match, UsersOfLocalSenders) {
  const auto policy = with_rule("users = [0, 33]\n");
  auto flow = flow_to();
  EXPECT_EQ(match(policy, flow).rejected, Reasons{"rule \"r\": user of the flow is unknown, the rule wants 0, 33"});
  flow.user = 34;
  EXPECT_EQ(match(policy, flow).rejected, Reasons{"rule \"r\": user 34 is not in 0, 33"});
  flow.user = 33;
  EXPECT_EQ(match(policy, flow).why, "rule \"r\": user 33 is in 0, 33");
}

TEST(Match, RuleWithUsersMatchesOutputOnly) {
  auto flow = flow_to();
  flow.user = 0;
  flow.direction = Direction::forward;
  EXPECT_EQ(match(with_rule("users = [0]\n"), flow).rejected,
            Reasons{"rule \"r\": only local senders (direction output) have a user, and the rule wants one"});
}

TEST(Match, MarksOfARule) {
  const auto policy = with_rule("marks = [\"0x40/0xf0\", \"7\"]\n");
  FlowFacts flow = flow_to();
  EXPECT_FALSE(match(policy, flow).rule);
  EXPECT_EQ(match(policy, flow).rejected,
            std::vector<std::string>{"rule \"r\": packet mark of the flow is unknown, the rule wants 0x40/0xf0, 0x7"});
  for (const std::uint32_t mark : {0x40U, 0x1140U, 0x4fU, 7U}) {
    flow.mark = mark;
    EXPECT_TRUE(match(policy, flow).rule) << mark;
  }
  for (const std::uint32_t mark : {0U, 0x60U, 0x17U}) {
    flow.mark = mark;
    EXPECT_FALSE(match(policy, flow).rule) << mark;
  }
}

TEST(Match, EveryFailedConditionIsNamed) {
  EXPECT_EQ(match(with_rule("destination_ports = [1]\ndirection = \"input\"\n"), flow_to()).rejected,
            Reasons{"rule \"r\": destination port 53 is not in 1; direction is output, not input"});
}

TEST(Match, EveryConditionThatHeldIsNamed) {
  EXPECT_EQ(match(with_rule("destination_ports = [53]\ndirection = \"output\"\n"), flow_to()).why,
            "rule \"r\": destination port 53 is in 53; direction is output");
}

TEST(Match, ExemptFlowsNeverReachARule) {
  for (const auto& [destination, reason] : {std::pair{"127.0.0.53", "loopback"},
                                            {"::1", "loopback"},
                                            {"224.0.0.251", "multicast"},
                                            {"ff02::fb", "multicast"},
                                            {"255.255.255.255", "broadcast"}}) {
    const auto result = match(Policy{}, flow_to(destination));
    EXPECT_TRUE(result.exempt) << destination;
    EXPECT_EQ(result.action, Action::pass) << destination;
    EXPECT_EQ(result.why, std::string(reason) + " flows are never gated");
  }
}

TEST(Match, LoopbackInterfaceIsExempt) {
  auto flow = flow_to();
  flow.interface = "lo";
  EXPECT_TRUE(match(Policy{}, flow).exempt);
}

}  // namespace
}  // namespace ctgate

// SPDX-License-Identifier: GPL-2.0-or-later
// Order at the server of paced bursts: what comes after the leader's confirmation must not overtake what was held.
#include "tests/support/gateway_test.hh"

namespace ctgate::test {
namespace {

using namespace std::chrono_literals;
using Hook = lab::ThirdPartyRule::Hook;

class Order : public GatewayTest {
 protected:
  static lab::BurstOptions paced(std::chrono::microseconds spacing) {
    return {.flows = 20, .datagrams = 30, .spacing = spacing, .flow_spacing = 5ms, .answer_deadline = 5s};
  }
  void expect_whole(const lab::BurstResult& result) {
    EXPECT_EQ(result.overtaken, 0U);
    EXPECT_EQ(result.lost, 0U);
    EXPECT_EQ(result.split_flows, 0U);
  }
};

struct Pace {
  std::chrono::microseconds spacing;
  std::chrono::microseconds verdict;
};

class PacedOrder : public Order, public ::testing::WithParamInterface<Pace> {};

TEST_P(PacedOrder, NothingIsOvertakenThroughAThirdPartyThatQueuesEverything) {
  nat(lab::nat::masquerade(Family::ipv4, true));
  third_party({.delay = GetParam().verdict});
  serve();
  start_ctgated();
  expect_whole(burst(paced(GetParam().spacing)));
}

INSTANTIATE_TEST_SUITE_P(Paces, PacedOrder,
                         ::testing::Values(Pace{20us, 1ms}, Pace{100us, 1ms}, Pace{1000us, 1ms}, Pace{20us, 5ms},
                                           Pace{100us, 5ms}, Pace{1000us, 5ms}),
                         [](const auto& parameter) {
                           return "Every" + std::to_string(parameter.param.spacing.count()) + "usVerdict" +
                                  std::to_string(parameter.param.verdict.count()) + "us";
                         });

// After 250 ms the kernel takes a flow back from the daemon, and later ones learn that it is confirmed. 1 ms apart, so
// that no datagram is still on its way through the daemon at that very moment.
TEST_F(Order, LongFlowsStayInOrderWhenTheKernelTakesThemBack) {
  nat(lab::nat::masquerade(Family::ipv4, true));
  third_party({.delay = 5ms});
  serve();
  start_ctgated();
  const auto result = burst({.flows = 5, .datagrams = 1000, .spacing = 1000us, .answer_deadline = 5s});
  EXPECT_EQ(result.overtaken, 0U);
  EXPECT_EQ(result.delivered, 5000U);
  EXPECT_EQ(result.split_flows, 0U);
  EXPECT_GT(elements("confirmed"), 0U) << "in the end the kernel has them";
}

// A third party that queues new flows only reorders by itself: the first answer makes the flow established, and what
// comes then overtakes what it still holds.
TEST_F(Order, ThirdPartyThatQueuesNewFlowsOnlyReordersUnlessARepliedRuleWaits) {
  nat(lab::nat::tracking_only(Family::ipv4));
  third_party({.delay = 1ms}, {.only_new = true});
  serve();
  EXPECT_GT(burst(paced(100us)).overtaken, 0U);

  start_ctgated();
  EXPECT_EQ(burst(paced(100us)).lost, 0U) << "order is up to the third party: 9 to 16 of 20 flows, else 18";

  ctgated.reset();
  start_ctgated({.policy = "[[rule]]\nname = 'in-order'\nrelease = 'replied'\n"});
  expect_whole(burst(paced(100us)));
  EXPECT_EQ(must(ctgated->status()).at("queues").size(), 2U);
}

TEST_F(Order, RepliedRuleReleasesAtTheFirstAnswerAndLearnsTheFlow) {
  nat(lab::nat::tracking_only(Family::ipv4));
  third_party({.delay = 1ms}, {.only_new = true});
  serve({.answer_delay = 100ms});
  start_ctgated({.policy = "[default]\nrelease = 'replied'\n"});
  const auto result = burst({.flows = 3, .datagrams = 3, .answer_deadline = 5s});
  expect_whole(result);
  EXPECT_EQ(counter("promoted_total"), 0U);
  EXPECT_GE(counter("held_total"), 6U);
  // Held for the answer, not for the confirmation after 1 ms: nothing left before 100 ms.
  const auto status = must(ctgated->status());
  for (const auto& bucket : status.at("hold_time")) {
    if (!bucket.at("le_us").is_null() && bucket.at("le_us") <= 50000) {
      EXPECT_EQ(bucket.at("count"), 0) << bucket.dump();
    }
  }
  EXPECT_EQ(elements("awaiting"), 0U);
}

TEST_F(Order, RepliedRuleWithoutAnyAnswerDelaysButLosesNothing) {
  nat(lab::nat::tracking_only(Family::ipv4));
  serve({.port = 9001});  // nobody answers on the port that is sent to
  start_ctgated({.policy = "[gate]\nmax_hold = '50ms'\nmax_promotions = 1\n[default]\nrelease = 'replied'\n"});
  const UdpSocket silent(server());
  silent.bind({lab::Topology::addresses(Family::ipv4).backends[0], server_port});
  const UdpSocket sender(client());
  sender.connect({lab::Topology::addresses(Family::ipv4).backends[0], server_port});
  for (const char* text : {"1", "2", "3", "4"}) sender.send(text);
  for (const char* text : {"1", "2", "3", "4"}) EXPECT_EQ(silent.receive(2s), text);
  EXPECT_EQ(counter("promoted_total"), 1U);
  EXPECT_EQ(counter("abandoned_flows_total"), 1U);
}

}  // namespace
}  // namespace ctgate::test

// SPDX-License-Identifier: GPL-2.0-or-later
// Leaders that never arrive, or late: what they cost the datagrams after them.
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <thread>

#include "tests/support/gateway_test.hh"

namespace ctgate::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

const lab::Topology::Addresses ipv4 = lab::Topology::addresses(Family::ipv4);

class Leader : public GatewayTest {
 protected:
  static constexpr std::uint16_t port = 9100;
  static constexpr std::size_t lost_size = 100;  // bytes of a payload that a firewall on the gateway drops

  void SetUp() override {
    nat(lab::nat::masquerade(Family::ipv4, true));
    must(
        gateway().nft("add table ip firewall\n"
                      "add chain ip firewall forward { type filter hook forward priority -10; }\n"
                      "add rule ip firewall forward udp length 108 drop\n"));
    receiver.bind({ipv4.backends[0], port});
  }

  [[nodiscard]] UdpSocket new_flow() const {
    UdpSocket flow(client());
    flow.connect({ipv4.backends[0], port});
    return flow;
  }

  // How long the second datagram takes whose leader the firewall drops.
  [[nodiscard]] std::chrono::milliseconds delay_after_a_lost_leader() const {
    const UdpSocket flow = new_flow();
    flow.send(std::string(lost_size, 'x'));
    const auto start = Clock::now();
    flow.send("next");
    EXPECT_EQ(receiver.receive(20s), "next");
    return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start);
  }

  // Sends to the server's other address until it is destroyed.
  class Background {
   public:
    Background(const lab::NetworkNamespace& client, std::chrono::microseconds gap)
        : socket_(client), thread_([this, gap](const std::stop_token& stop) {
            for (auto next = Clock::now(); !stop.stop_requested(); next += gap) {
              socket_.send_to({ipv4.backends[1], 7000}, "x");
              std::this_thread::sleep_until(next);
            }
          }) {}

   private:
    UdpSocket socket_;
    std::jthread thread_;
  };

  UdpSocket receiver{server()};
};

TEST_F(Leader, DroppedByAFirewallWhileNothingIsQueued) {
  start_ctgated();
  std::vector<std::chrono::milliseconds> delays;
  for (int i = 0; i < 9; ++i) delays.push_back(delay_after_a_lost_leader());
  std::sort(delays.begin(), delays.end());
  EXPECT_LE(delays[4], 20ms) << "median";
  EXPECT_LE(delays[8], 500ms) << "worst";
  EXPECT_TRUE(eventually([&] { return counter("leaders_gone_total") == 9; }));
}

TEST_F(Leader, DroppedByTheConsumer) {
  third_party({.delay = 2ms, .policy = lab::VerdictPolicy::drop_first_of_flow});
  start_ctgated();
  const UdpSocket flow = new_flow();
  const auto start = Clock::now();
  for (const char* text : {"dropped", "1", "2", "3"}) flow.send(text);
  for (const char* text : {"1", "2", "3"}) EXPECT_EQ(receiver.receive(5s), text);
  EXPECT_LE(Clock::now() - start, 500ms);
  EXPECT_EQ(clashes(), 0U);
}

// The gateway itself ends it, and answers with an error.
TEST_F(Leader, TimeToLiveExceededOnTheGateway) {
  start_ctgated();
  const UdpSocket flow = new_flow();
  int hops = 1;
  ASSERT_EQ(setsockopt(flow.fd(), IPPROTO_IP, IP_TTL, &hops, sizeof hops), 0);
  flow.send("ends here");
  hops = 64;
  ASSERT_EQ(setsockopt(flow.fd(), IPPROTO_IP, IP_TTL, &hops, sizeof hops), 0);
  const auto start = Clock::now();
  (void)send(flow.fd(), "next", 4, 0);  // may report the error
  (void)send(flow.fd(), "next", 4, 0);
  EXPECT_EQ(receiver.receive(5s), "next");
  EXPECT_LE(Clock::now() - start, 500ms);
}

// One read of /proc tells what waits, but not whose it is.
TEST_F(Leader, DroppedWhileTheConsumersQueueIsBusy) {
  third_party({.delay = 5ms});
  start_ctgated();
  const Background busy(client(), 500us);
  std::vector<std::chrono::milliseconds> delays;
  for (int i = 0; i < 9; ++i) delays.push_back(delay_after_a_lost_leader());
  std::sort(delays.begin(), delays.end());
  EXPECT_LE(delays[4], 400ms) << "median";
  EXPECT_LE(delays[8], 3s) << "worst";
}

class Prompt : public Leader, public ::testing::WithParamInterface<bool> {};

INSTANTIATE_TEST_SUITE_P(Others, Prompt, ::testing::Bool(),
                         [](const auto& busy) { return busy.param ? "WhileOthersPass" : "Alone"; });

TEST_P(Prompt, ThatAPersonAnswersAfterSecondsIsWaitedFor) {
  third_party({.delay = 50us, .prompt_port = port});
  start_ctgated();
  std::optional<Background> others;
  if (GetParam()) others.emplace(client(), 5ms);
  const UdpSocket flow = new_flow();
  const auto start = Clock::now();
  for (const char* text : {"0", "1", "2", "3"}) flow.send(text);
  for (const char* text : {"0", "1", "2", "3"}) EXPECT_EQ(receiver.receive(5s), text);
  const auto taken = Clock::now() - start;
  EXPECT_GE(taken, 2500ms);
  EXPECT_LE(taken, 3s);
  EXPECT_EQ(counter("promoted_total"), 0U);
  EXPECT_EQ(clashes(), 0U);
}

// What is held can be gone: the kernel drops what waits in every queue when somebody's base chain goes.
TEST_F(Leader, WhatTheKernelDroppedIsNotWaitedFor) {
  third_party({.delay = 300ms});
  start_ctgated();
  const UdpSocket flow = new_flow();
  for (int i = 0; i < 4; ++i) flow.send("gone");
  EXPECT_TRUE(eventually([&] { return counter("held") == 3; }));
  must(gateway().nft("add table ip passing\nadd chain ip passing c { type filter hook forward priority 5; }\n"));
  must(gateway().nft("delete table ip passing\n"));
  EXPECT_TRUE(eventually([&] { return counter("held") == 0; }));
  EXPECT_EQ(counter("vanished_total"), 3U);
  const auto start = Clock::now();
  flow.send("again");
  EXPECT_EQ(receiver.receive(5s), "again");
  EXPECT_LE(Clock::now() - start, 1s);
}

class LargeBurst : public Leader, public ::testing::WithParamInterface<int> {};

INSTANTIATE_TEST_SUITE_P(Datagrams, LargeBurst, ::testing::Values(100, 400));

TEST_P(LargeBurst, OnANewFlowStaysWhole) {
  third_party({.delay = 5ms});
  serve();
  start_ctgated();
  const auto result = burst({.flows = 5, .datagrams = static_cast<std::uint32_t>(GetParam()), .answer_deadline = 5s});
  EXPECT_EQ(result.lost, 0U);
  EXPECT_EQ(result.split_flows, 0U);
  EXPECT_EQ(result.overtaken, 0U);
  EXPECT_EQ(counter("overflow_total"), 0U);
}

}  // namespace
}  // namespace ctgate::test

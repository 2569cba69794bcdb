// SPDX-License-Identifier: GPL-2.0-or-later
// What is queued and what is not, what the sets hold, and datagrams of unusual kinds.
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstring>

#include "policy/base/run_program.hh"
#include "tests/support/gateway_test.hh"

namespace ctgate::test {
namespace {

using namespace std::chrono_literals;

const lab::Topology::Addresses ipv4 = lab::Topology::addresses(Family::ipv4);

class Traffic : public GatewayTest {
 protected:
  void expect_fragmented_burst_arrives(Family family) {
    nat(lab::nat::masquerade(family, true));
    third_party({.delay = 50ms});  // so that the whole burst comes before the verdict
    const Endpoint destination{lab::Topology::addresses(family).backends[0], server_port};
    const UdpSocket receiver(server(), family);
    receiver.bind(destination);
    start_ctgated();
    const UdpSocket sender(client(), family);
    sender.connect(destination);
    for (const char first : {'a', 'b', 'c', 'd'}) sender.send(std::string(4000, first));
    for (const char first : {'a', 'b', 'c', 'd'}) EXPECT_EQ(receiver.receive(2s), std::string(4000, first));
    EXPECT_EQ(counter("held_total"), 3U);
    EXPECT_EQ(counter("unparsed_total"), 0U);
    EXPECT_EQ(clashes(), 0U);
  }

  // `count` datagrams over `flows` flows from the client, each flow's first one well before its second; the number
  // sent.
  std::uint64_t flood(std::uint32_t flows, std::uint64_t count) {
    std::vector<UdpSocket> sockets;
    for (std::uint32_t i = 0; i < flows; ++i) {
      sockets.emplace_back(client());
      sockets.back().connect({ipv4.backends[0], server_port});
      sockets.back().send("first");
    }
    std::array<mmsghdr, 64> messages{};
    char payload[] = "0123456789abcdef";
    iovec vector{payload, sizeof payload};
    for (auto& message : messages) {
      message.msg_hdr.msg_iov = &vector;
      message.msg_hdr.msg_iovlen = 1;
    }
    std::uint64_t sent = flows;
    for (std::size_t i = 0; sent < count; ++i) {
      const int done = sendmmsg(sockets[i % flows].fd(), messages.data(), messages.size(), 0);
      if (done > 0) sent += static_cast<std::uint64_t>(done);
    }
    return sent;
  }
};

TEST_F(Traffic, WithoutAThirdPartyNothingIsQueuedOverAMillionDatagrams) {
  nat(lab::nat::masquerade(Family::ipv4, true));
  start_ctgated();
  EXPECT_GE(flood(50, 1'000'000), 1'000'000U);
  EXPECT_EQ(counter("queued_total"), 0U);
  EXPECT_EQ(elements("pending"), 0U);
  EXPECT_EQ(elements("held"), 0U);
  EXPECT_EQ(elements("confirmed"), 50U);
}

TEST_F(Traffic, OneDatagramFlowsLeaveNothingBehind) {
  nat(lab::nat::masquerade(Family::ipv4, true));
  third_party({.delay = 1ms});
  serve();
  start_ctgated();
  const auto result = burst({.flows = 50, .datagrams = 1});
  EXPECT_EQ(result.lost, 0U);
  EXPECT_EQ(counter("queued_total"), 0U);
  EXPECT_EQ(elements("confirmed"), 0U);
  EXPECT_EQ(elements("held"), 0U);
  EXPECT_EQ(elements("pending"), 0U);
}

TEST_F(Traffic, PendingIsEmptyAtRest) {
  nat(lab::nat::dnat_to_backends(Family::ipv4, false));
  third_party({.delay = 1ms});
  serve();
  start_ctgated();
  EXPECT_EQ(burst({}, ipv4.service).split_flows, 0U);
  EXPECT_EQ(elements("pending"), 0U);
  EXPECT_EQ(counter("held"), 0U);
  EXPECT_EQ(counter("flows_holding"), 0U);
}

TEST_F(Traffic, FragmentedDatagramsInABurst) {
  expect_fragmented_burst_arrives(Family::ipv4);
}

TEST_F(Traffic, FragmentedIpv6DatagramsInABurst) {
  expect_fragmented_burst_arrives(Family::ipv6);
}

TEST_F(Traffic, LoopbackIsNeverQueued) {
  nat(lab::nat::tracking_only(Family::ipv4));
  third_party({.delay = 2ms}, {.hook = lab::ThirdPartyRule::Hook::output});
  start_ctgated();
  const Endpoint local{*Address::parse("127.0.0.1"), 7000};
  const UdpSocket receiver(gateway());
  receiver.bind(local);
  const UdpSocket sender(gateway());
  sender.connect(local);
  for (const char* text : {"1", "2", "3"}) sender.send(text);
  for (const char* text : {"1", "2", "3"}) EXPECT_EQ(receiver.receive(2s), text);
  EXPECT_EQ(counter("queued_total"), 0U);
  EXPECT_EQ(elements("pending"), 0U);
}

TEST_F(Traffic, MulticastIsNeverQueued) {
  nat(lab::nat::tracking_only(Family::ipv4));
  third_party({.delay = 2ms}, {.hook = lab::ThirdPartyRule::Hook::output});
  start_ctgated();
  const UdpSocket sender(gateway());
  in_addr interface {};
  std::memcpy(&interface, ipv4.gateway_client_side.bytes.data(), sizeof interface);
  ASSERT_EQ(setsockopt(sender.fd(), IPPROTO_IP, IP_MULTICAST_IF, &interface, sizeof interface), 0);
  for (int i = 0; i < 4; ++i) sender.send_to({*Address::parse("239.1.2.3"), 7000}, "x");
  // The third party did see them, so they were on their way through the hooks.
  EXPECT_TRUE(eventually([&] { return consumer->packets_seen() >= 4; }));
  EXPECT_EQ(counter("queued_total"), 0U);
  EXPECT_EQ(elements("pending"), 0U);
}

TEST_F(Traffic, UntrackedFlowsAreNeverQueued) {
  must(
      gateway().nft("add table ip untracked\n"
                    "add chain ip untracked prerouting { type filter hook prerouting priority raw; }\n"
                    "add rule ip untracked prerouting udp dport 9000 notrack\n"
                    "add rule ip untracked prerouting udp sport 9000 notrack\n"));
  nat(lab::nat::tracking_only(Family::ipv4));
  third_party({.delay = 2ms});
  serve();
  start_ctgated();
  EXPECT_EQ(burst({.flows = 5, .datagrams = 4}).lost, 0U);
  EXPECT_EQ(counter("queued_total"), 0U);
}

TEST_F(Traffic, FlowsInAConntrackZoneAreLeftAlone) {
  must(
      gateway().nft("add table ip zones\n"
                    "add chain ip zones prerouting { type filter hook prerouting priority raw; }\n"
                    "add rule ip zones prerouting ct zone set 5\n"));
  nat(lab::nat::tracking_only(Family::ipv4));
  third_party({.delay = 2ms});
  serve();
  start_ctgated();
  EXPECT_EQ(burst({.flows = 5, .datagrams = 4}).lost, 0U);
  EXPECT_EQ(counter("queued_total"), 0U);
  EXPECT_GT(clashes(), 0U) << "the race is there";
}

TEST_F(Traffic, AnswersAfterTheirFlowIsConfirmedAreNotHeldForLong) {
  nat(lab::nat::masquerade(Family::ipv4, true));
  third_party({.delay = 5ms});
  serve();
  start_ctgated();
  EXPECT_EQ(burst({.flows = 10, .datagrams = 4}).lost, 0U);
  EXPECT_EQ(counter("promoted_total"), 0U);
}

TEST_F(Traffic, LeadersThatTheThirdPartyDropsCostADelayAndNoOtherDatagram) {
  nat(lab::nat::masquerade(Family::ipv4, true));
  third_party({.delay = 2ms, .policy = lab::VerdictPolicy::drop_first_of_flow});
  serve();
  start_ctgated({.policy = "[gate]\nmax_hold = '100ms'\n"});
  const auto result = burst({.flows = 10, .datagrams = 4, .answer_deadline = 3s});
  EXPECT_EQ(result.sent, 40U);
  EXPECT_EQ(result.delivered, 30U);
  EXPECT_EQ(result.split_flows, 0U);
  EXPECT_EQ(result.overtaken, 0U);
  EXPECT_EQ(consumer->packets_dropped(), 10U);
  EXPECT_EQ(counter("promoted_total"), 10U);
}

TEST_F(Traffic, PolicyThatGatesDnsOnlyLeavesTheRestAlone) {
  nat(lab::nat::masquerade(Family::ipv4, true));
  third_party({.delay = 2ms});
  serve();
  start_ctgated({.policy = "[[rule]]\nname='dns'\ndestination_ports=[53]\n[default]\naction='pass'\n"});
  EXPECT_GT(burst({}).split_flows, 0U);
  EXPECT_EQ(counter("queued_total"), 0U);
  servers.reset();
  serve({.port = 53});
  const Endpoint dns{ipv4.backends[0], 53};
  EXPECT_EQ(must(lab::burst(client(), dns, {}, *servers)).split_flows, 0U);
  EXPECT_GT(counter("held_total"), 0U);
}

TEST_F(Traffic, DirectionsInterfacesAndUsersDecideInTheKernel) {
  nat(lab::nat::dnat_to_backends(Family::ipv4, true));
  third_party({.delay = 2ms}, {.hook = lab::ThirdPartyRule::Hook::output});
  serve();
  start_ctgated({.policy = "[[rule]]\nname='forwarded'\ndirection='forward'\ninterfaces=['client*']\n"
                           "[[rule]]\nname='nobody'\nusers=[65534]\n[default]\naction='pass'\n"});
  const Endpoint service{ipv4.service, server_port};
  EXPECT_GT(must(lab::burst(gateway(), service, {}, *servers)).split_flows, 0U) << "root's own datagrams are not gated";
  EXPECT_EQ(counter("queued_total"), 0U);
}

// A flow that conntrack expects (RELATED) starts in the middle: the server's data comes from a port of its own.
TEST_F(Traffic, TftpTransferThroughTheKernelsHelper) {
  must(
      gateway().nft("add table ip expected\n"
                    "add ct helper ip expected tftp { type \"tftp\" protocol udp; }\n"
                    "add chain ip expected prerouting { type filter hook prerouting priority -150; }\n"
                    "add rule ip expected prerouting udp dport 69 ct helper set \"tftp\"\n"
                    "add chain ip expected forward { type filter hook forward priority 1; policy drop; }\n"
                    "add rule ip expected forward ct state established,related accept\n"
                    "add rule ip expected forward udp dport 69 accept\n"));
  nat(lab::nat::masquerade(Family::ipv4, true));
  third_party({.delay = 1ms});
  const std::string directory = must(ctgate::run_program({"mktemp", "-d", "/run/netns/tftp.XXXXXX"})).output;
  const std::string root = directory.substr(0, directory.find('\n'));
  const auto made = must(ctgate::run_program(
      {"sh", "-c",
       "chmod 755 " + root + " && head -c 300000 /dev/urandom > " + root + "/file && chmod 644 " + root + "/file"}));
  ASSERT_EQ(made.exit_code, 0) << made.output;
  auto tftpd = must(Process::start(
      {.argv = {"in.tftpd", "--foreground", "--address", "10.99.2.2:69", "--user", "root", "--secure", root},
       .network_namespace = server().fd()}));
  start_ctgated();
  client().run([&] {
    std::string output;
    EXPECT_TRUE(eventually(
        [&] {
          const auto result = must(
              ctgate::run_program({"tftp", "-4", "-m", "octet", "10.99.2.2", "-c", "get", "file", root + "/copy"}));
          output = result.output;
          return must(ctgate::run_program({"cmp", root + "/file", root + "/copy"})).exit_code == 0;
        },
        20s))
        << output;
  });
  EXPECT_EQ(counter("promoted_total"), 0U);
  EXPECT_TRUE(tftpd.running());
}

}  // namespace
}  // namespace ctgate::test

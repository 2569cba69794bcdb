// SPDX-License-Identifier: GPL-2.0-or-later
// What the rules do beside choosing followers: packet marks come out as they went in, entries that conntrack lost are
// noticed, floods and full sets harm nobody else, and a flow that goes on never leaves the kernel.
#include <sys/socket.h>

#include <array>
#include <thread>

#include "daemon/rules/nft.hh"
#include "policy/base/run_program.hh"
#include "tests/support/gateway_test.hh"

namespace ctgate::test {
namespace {

using namespace std::chrono_literals;

const lab::Topology::Addresses ipv4 = lab::Topology::addresses(Family::ipv4);

class RuleSet : public GatewayTest {
 protected:
  void SetUp() override {
    nat(lab::nat::dnat_to_backends(Family::ipv4, false));
    nat(lab::nat::dnat_to_backends(Family::ipv6, false));
  }
  void run_on_gateway(const std::string& script) const {
    gateway().run([&] {
      const auto result = must(run_program({"sh", "-ec", script}));
      ASSERT_EQ(result.exit_code, 0) << script << ":\n" << result.output;
    });
  }
  [[nodiscard]] std::uint64_t packets(const std::string& counter) const {
    const auto listed = gateway().run(
        [&] { return must(rules::Nft().run_with_elements("list counter inet watch " + counter + "\n")); });
    return std::stoull(listed.substr(listed.find("packets ") + 8));
  }
  // Flows of this class are confirmed, and so in the set: a second burst on the same sockets shows what that is worth.
  std::vector<UdpSocket> connected_flows(std::size_t count) const {
    std::vector<UdpSocket> flows;
    for (std::size_t i = 0; i < count; ++i) {
      flows.emplace_back(client());
      flows.back().connect({ipv4.service, server_port});
    }
    return flows;
  }
};

class Marks : public RuleSet, public ::testing::WithParamInterface<const char*> {};

INSTANTIATE_TEST_SUITE_P(Values, Marks, ::testing::Values("0x0", "0x42", "0x80000000", "0xc76a7e01", "0xffffffff"),
                         [](const auto& value) { return std::string(value.param); });

// Set before our first chain, and read where everything is done.
TEST_P(Marks, ComeOutAsTheyWentIn) {
  const std::string mark = GetParam();
  must(
      gateway().nft("add table inet watch\nadd counter inet watch right\nadd counter inet watch wrong\n"
                    "add chain inet watch first { type filter hook prerouting priority -290; }\n"
                    "add rule inet watch first meta mark set " +
                    mark +
                    "\n"
                    "add chain inet watch last { type filter hook postrouting priority 2147483647; }\n"
                    "add rule inet watch last meta l4proto udp meta mark " +
                    mark +
                    " counter name right accept\n"
                    "add rule inet watch last meta l4proto udp counter name wrong\n"));
  third_party({.delay = 2ms});
  start_ctgated();
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    serve({.family = family});
    const auto result = burst({}, lab::Topology::addresses(family).service);
    EXPECT_EQ(result.lost, 0U);
    EXPECT_EQ(result.split_flows, 0U);
    servers.reset();
  }
  EXPECT_EQ(packets("wrong"), 0U);
  EXPECT_EQ(packets("right"), 320U) << "80 datagrams and 80 answers of each family";
}

TEST_F(RuleSet, MarksThatAreSetAfterConntrackStay) {
  must(
      gateway().nft("add table inet watch\nadd counter inet watch right\n"
                    "add chain inet watch first { type filter hook prerouting priority mangle; }\n"
                    "add rule inet watch first meta l4proto udp meta mark set 0x42\n"
                    "add chain inet watch last { type filter hook postrouting priority 2147483647; }\n"
                    "add rule inet watch last meta l4proto udp meta mark 0x42 counter name right\n"));
  third_party({.delay = 2ms});
  serve();
  start_ctgated();
  EXPECT_EQ(burst({}, ipv4.service).split_flows, 0U);
  EXPECT_EQ(packets("right"), 160U);
}

// Without the mark the route is a black hole.
TEST_F(RuleSet, RoutingByMarkGoesOn) {
  run_on_gateway(
      "ip route add blackhole 10.99.2.2/32; ip route add blackhole 10.99.2.3/32;"
      "ip route add 10.99.2.0/24 dev server0 table 42; ip rule add fwmark 0x42 lookup 42 priority 10");
  must(
      gateway().nft("add table inet watch\n"
                    "add chain inet watch first { type filter hook prerouting priority -290; }\n"
                    "add rule inet watch first meta mark set 0x42\n"));
  third_party({.delay = 2ms});
  serve();
  start_ctgated();
  const auto result = burst({}, ipv4.service);
  EXPECT_EQ(result.lost, 0U);
  EXPECT_EQ(result.split_flows, 0U);
}

TEST_F(RuleSet, RulesMatchTheMarkThatRawHasSet) {
  must(
      gateway().nft("add table inet watch\n"
                    "add chain inet watch first { type filter hook prerouting priority raw; }\n"
                    "add rule inet watch first meta mark set 0x1240\n"));
  third_party({.delay = 2ms});
  serve();
  start_ctgated({.policy = "[[rule]]\nname = 'copies'\nmarks = ['0x40/0xff']\naction = 'pass'\n"});
  EXPECT_GT(burst({}, ipv4.service).split_flows, 0U);
  EXPECT_EQ(counter("queued_total"), 0U);
}

// As kube-proxy and docker do it.
TEST_F(RuleSet, FlowsWhoseEntriesWereDeletedAreGatedAgain) {
  third_party({.delay = 2ms});
  serve();
  start_ctgated();
  const auto flows = connected_flows(20);
  for (const auto& flow : flows) {
    for (int datagram = 0; datagram < 4; ++datagram) flow.send("first");
  }
  std::this_thread::sleep_for(300ms);  // the daemon has known them and still does
  for (int datagram = 0; datagram < 3; ++datagram) {
    for (const auto& flow : flows) flow.send("known");
    std::this_thread::sleep_for(20ms);
  }
  ASSERT_EQ(elements("confirmed"), 20U);
  const auto clashed = clashes();
  run_on_gateway("conntrack -D -p udp >/dev/null 2>&1");
  for (const auto& flow : flows) {
    for (int datagram = 0; datagram < 4; ++datagram) flow.send("again");
  }
  EXPECT_TRUE(eventually([&] { return counter("held") == 0 && elements("pending") == 0; }));
  EXPECT_EQ(clashes(), clashed);
  EXPECT_EQ(counter("promoted_total"), 0U);
}

// The kernel's own timeout may become shorter than that of the set.
TEST_F(RuleSet, FlowsWhoseEntriesTimedOutAreGatedAgain) {
  third_party({.delay = 2ms});
  serve();
  start_ctgated();
  const auto flows = connected_flows(10);
  must(gateway().set_sysctl("net/netfilter/nf_conntrack_udp_timeout", "1"));
  for (int datagram = 0; datagram < 2; ++datagram) {
    for (const auto& flow : flows) flow.send("known");
    std::this_thread::sleep_for(20ms);
  }
  ASSERT_EQ(elements("confirmed"), 10U);
  const auto clashed = clashes();
  // A dump leaves out what has timed out, whenever the kernel removes it.
  const auto entries = [&] {
    return gateway().run([] { return must(run_program({"sh", "-c", "conntrack -L -p udp 2>/dev/null"})).output; });
  };
  EXPECT_TRUE(eventually([&] { return entries().empty(); }, 20s)) << entries();
  for (const auto& flow : flows) {
    for (int datagram = 0; datagram < 4; ++datagram) flow.send("again");
  }
  EXPECT_TRUE(eventually([&] { return counter("held") == 0 && elements("pending") == 0; }));
  EXPECT_EQ(clashes(), clashed);
}

// Every datagram of the flow after its first burst, and the flow is learned again several times.
TEST_F(RuleSet, EstablishedFlowNeverLeavesTheKernel) {
  third_party({.delay = 2ms});
  must(gateway().set_sysctl("net/netfilter/nf_conntrack_udp_timeout", "3"));  // so the set forgets after 2 s
  serve();
  start_ctgated();
  const auto flow = std::move(connected_flows(1).front());
  flow.send("first");
  EXPECT_TRUE(eventually([&] { return elements("pending") == 0; }));
  const auto end = std::chrono::steady_clock::now() + 7s;
  std::uint64_t sent = 0;
  while (std::chrono::steady_clock::now() < end) {
    flow.send("more");
    ++sent;
    std::this_thread::sleep_for(500us);
  }
  EXPECT_GT(sent, 2000U);
  EXPECT_EQ(counter("queued_total"), 0U);
}

TEST_F(RuleSet, FloodOfOneSourceLeavesTheFlowsOfOthersWhole) {
  must(
      gateway().nft("add table ip blocked\nadd chain ip blocked forward { type filter hook forward priority -1; }\n"
                    "add rule ip blocked forward udp dport 7 drop\n"));
  client().run([] { must(run_program({"ip", "address", "add", "10.99.1.77/24", "dev", "eth0"})); });
  third_party({.delay = 2ms});
  serve();
  start_ctgated({.policy = "[gate]\nnew_flows_per_source = '100/s'\n"});
  const UdpSocket flooding(client());
  flooding.bind({*Address::parse("10.99.1.77"), 7777});
  // Each to another address, so each is a new flow; none gets through.
  for (int i = 0; i < 5000; ++i) {
    flooding.send_to({*Address::parse("10.99.2." + std::to_string(4 + i % 250)), 7}, "flood");
    if (i % 250 == 0) {
      const UdpSocket next(client());  // other ports, too
      next.bind({*Address::parse("10.99.1.77"), static_cast<std::uint16_t>(8000 + i)});
      for (int target = 4; target < 254; ++target) {
        next.send_to({*Address::parse("10.99.2." + std::to_string(target)), 7}, "flood");
      }
    }
  }
  EXPECT_GT(counter("ungated_source_total"), 3000U);
  EXPECT_LT(elements("pending"), 400U);
  const auto clashed = clashes();
  const auto result = burst({}, ipv4.service);
  EXPECT_EQ(result.lost, 0U);
  EXPECT_EQ(result.split_flows, 0U);
  EXPECT_EQ(clashes(), clashed);
  // A hash table that grows takes nothing for a moment (rhashtable_insert_rehash()).
  EXPECT_LT(counter("ungated_full_total"), 1000U);
}

}  // namespace
}  // namespace ctgate::test

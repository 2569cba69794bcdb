// SPDX-License-Identifier: GPL-2.0-or-later
// Every way to install the rules does the job.
#include <signal.h>

#include "policy/base/run_program.hh"
#include "tests/support/gateway_test.hh"

namespace ctgate::test {
namespace {

using namespace std::chrono_literals;

class BackendTest : public GatewayTest {
 protected:
  void SetUp() override {
    nat(lab::nat::masquerade(Family::ipv4, true));
    nat(lab::nat::dnat_to_backends(Family::ipv6, false));
    third_party({.delay = 2ms});
  }
  void expect_whole(Family family) {
    serve({.family = family});
    const auto addresses = lab::Topology::addresses(family);
    const auto clashed = clashes();
    const auto result = burst({}, family == Family::ipv4 ? addresses.backends[0] : addresses.service);
    EXPECT_EQ(result.lost, 0U);
    EXPECT_EQ(result.split_flows, 0U);
    EXPECT_EQ(result.out_of_order_flows, 0U);
    EXPECT_EQ(clashes(), clashed);
    servers.reset();
  }
  void expect_whole() {
    expect_whole(Family::ipv4);
    expect_whole(Family::ipv6);
    EXPECT_GT(counter("held_total"), 0U);
    EXPECT_EQ(counter("promoted_total"), 0U);
  }
  [[nodiscard]] std::string saved(const char* program) const {
    return gateway().run([&] { return must(run_program({program, "-t", "raw"})).output; });
  }
};

TEST_F(BackendTest, Nftables) {
  start_ctgated({.policy = "[daemon]\nbackend = 'nftables'\n"});
  EXPECT_TRUE(must(ctgated->status()).at("backend").get<std::string>().starts_with("nftables"));
  expect_whole();
}

TEST_F(BackendTest, NftablesWithSeveralQueues) {
  start_ctgated({.policy = "[daemon]\nqueues = 3\n"});
  expect_whole();
  int used = 0;
  const auto status = must(ctgated->status());
  for (const auto& queue : status.at("queues")) used += queue.at("queued_total") > 0 ? 1 : 0;
  EXPECT_EQ(used, 3) << "flows spread over the queues";
}

TEST_F(BackendTest, Iptables) {
  start_ctgated({.policy = "[daemon]\nbackend = 'iptables'\n"});
  EXPECT_EQ(must(ctgated->status()).at("backend"), "iptables");
  EXPECT_NE(saved("iptables-save").find("-A PREROUTING -p udp -j CTGATE_PREROUTING"), std::string::npos);
  expect_whole();
  EXPECT_EQ(ctgated->stop(), 0);
  for (const char* program : {"iptables-save", "ip6tables-save"}) {
    EXPECT_EQ(saved(program).find("-j CTGATE"), std::string::npos) << saved(program);
    EXPECT_EQ(saved(program).find("NFQUEUE"), std::string::npos) << saved(program);
  }
}

TEST_F(BackendTest, IptablesWithOneJumpMissingOrDoubled) {
  start_ctgated({.policy = "[daemon]\nbackend = 'iptables'\n"});
  gateway().run([] {
    must(run_program({"iptables", "-t", "raw", "-D", "OUTPUT", "-p", "udp", "-j", "CTGATE_OUTPUT"}));
    must(run_program({"iptables", "-t", "raw", "-A", "PREROUTING", "-p", "udp", "-j", "CTGATE_PREROUTING"}));
  });
  EXPECT_EQ(ctgated->stop(), 0);
  EXPECT_EQ(saved("iptables-save").find("-j CTGATE"), std::string::npos) << saved("iptables-save");
}

TEST_F(BackendTest, IptablesAfterACrash) {
  start_ctgated({.policy = "[daemon]\nbackend = 'iptables'\n"});
  const auto before = saved("iptables-save");
  kill(ctgated->pid(), SIGKILL);
  ctgated.reset();
  start_ctgated({.policy = "[daemon]\nbackend = 'iptables'\n"});
  const auto rules_only = [](std::string text) {
    std::string rules;
    for (std::size_t at = 0; (at = text.find("\n-A ", at)) != std::string::npos; ++at) {
      rules += text.substr(at, text.find('\n', at + 1) - at);
    }
    return rules;
  };
  EXPECT_EQ(rules_only(saved("iptables-save")), rules_only(before)) << "nothing twice";
  expect_whole();
}

}  // namespace
}  // namespace ctgate::test

// SPDX-License-Identifier: GPL-2.0-or-later
// ctgate rules print, which does not ask the kernel if the backend is named.
#include "tests/cli/command_test.hh"

namespace ctgate::test {
namespace {

class RulesCommand : public CommandTest {
 protected:
  [[nodiscard]] ProgramResult print(const char* backend, std::string_view text) const {
    return run({"rules", "print", "--backend", backend, "--policy", policy(text)});
  }
};

constexpr std::string_view dns_only =
    "[daemon]\nqueue = 77\n[[rule]]\nname = 'dns'\ndestination_ports = [53]\n[default]\naction = 'pass'\n";

TEST_F(RulesCommand, Nftables) {
  const auto result = print("nftables", dns_only);
  ASSERT_EQ(result.exit_code, 0) << result.output;
  for (const char* line :
       {"add table ip ctgate\n", "add table ip6 ctgate\n", "type filter hook prerouting priority -250; policy accept;",
        "type filter hook postrouting priority 2147483646; policy accept;", "queue flags bypass to 77\n",
        "udp dport { 53 } goto gate comment \"dns\"\n"}) {
    EXPECT_TRUE(contains(result, line)) << line << " is missing in\n" << result.output;
  }
}

TEST_F(RulesCommand, NftablesWithTheXtablesTargetSaysWhereTheQueueStatementIs) {
  const auto result = print("nftables-xt", dns_only);
  ASSERT_EQ(result.exit_code, 0) << result.output;
  EXPECT_TRUE(contains(result, "NFQUEUE --queue-num N --queue-bypass")) << result.output;
  EXPECT_FALSE(contains(result, "queue flags bypass")) << result.output;
}

TEST_F(RulesCommand, IptablesForBothFamilies) {
  const auto result = print("iptables", dns_only);
  ASSERT_EQ(result.exit_code, 0) << result.output;
  for (const char* line : {"# iptables-restore", "# ip6tables-restore", "*raw\n", "--dports 53", "--queue-num 77",
                           "--queue-bypass", "COMMIT\n"}) {
    EXPECT_TRUE(contains(result, line)) << line << " is missing in\n" << result.output;
  }
}

TEST_F(RulesCommand, RulesThatWaitForAnAnswerHaveAQueueOfTheirOwn) {
  const auto result = print("nftables", "[default]\nrelease = 'replied'\n");
  ASSERT_EQ(result.exit_code, 0) << result.output;
  EXPECT_TRUE(contains(result, "queue flags bypass to 5381\n")) << result.output;
}

TEST_F(RulesCommand, AWrongPolicyIsAUsageError) {
  const auto result = print("nftables", "[daemon]\nqueue = 'many'\n");
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_TRUE(contains(result, "policy.toml:2:9: daemon.queue: ")) << result.output;
}

}  // namespace
}  // namespace ctgate::test

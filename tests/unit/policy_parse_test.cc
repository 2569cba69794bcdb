// SPDX-License-Identifier: GPL-2.0-or-later
// Valid policies, and files on disk.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "policy/toml/parse.hh"

namespace ctgate {
namespace {

using namespace std::chrono_literals;

// The diagnostics of a policy that should have none.
std::string errors_of(const ParseResult& result) {
  return result ? "" : to_string(result.error());
}

Policy parsed(std::string_view text) {
  const auto result = parse_policy(text, "policy.toml");
  EXPECT_TRUE(result) << errors_of(result);
  return result.value_or(Policy{});
}

constexpr std::string_view complete = R"(
version = 1

[gate]
max_hold = "1.5s"
max_promotions = 0
held_per_flow = 32
held_total = 65536
new_flows_per_source = "5/s"

[daemon]
queue = 100
queues = 2
backend = "iptables"

[shim]
max_wait = "10s"
wait_for = "reply"
resolver = "c-ares"
libc_option = "single-request-reopen"
skip_programs = ["/usr/sbin/unbound"]

[[rule]]
name = "dns"
destination_ports = [53, "5300-5399", "853"]
destinations = ["0.0.0.0/0", "::/0", "192.0.2.1"]
direction = "output"
interfaces = ["eth*", "lan0"]
users = ["root", 1000, 4294967294]
action = "gate"
release = "replied"
wait_for = "delay"

[[rule]]
name = "rest"
action = "pass"

[default]
action = "gate"
release = "replied"
)";

TEST(ParsePolicy, EmptyTextIsTheBuiltInPolicy) {
  EXPECT_EQ(parsed(""), Policy{});
  EXPECT_EQ(parsed("# nothing\n"), Policy{});
  EXPECT_EQ(parsed("version = 1\n[gate]\n[daemon]\n[shim]\n[default]\n"), Policy{});
}

TEST(ParsePolicy, EverySectionKey) {
  const Policy policy = parsed(complete);
  EXPECT_EQ(policy.gate, (GateLimits{1500ms, 0, 32, 65536, 5}));
  EXPECT_EQ(policy.daemon, (DaemonOptions{100, 2, BackendSetting::iptables}));
  EXPECT_EQ(
      policy.shim,
      (ShimOptions{10s, WaitFor::reply, Resolver::c_ares, LibcOption::single_request_reopen, {"/usr/sbin/unbound"}}));
  EXPECT_EQ(policy.default_action, Action::gate);
  EXPECT_EQ(policy.default_release, Release::replied);
  EXPECT_EQ(policy.rules.size(), 2U);
}

TEST(ParsePolicy, EveryRuleKey) {
  const Rule rule = parsed(complete).rules.at(0);
  EXPECT_EQ(rule.name, "dns");
  EXPECT_EQ(rule.destination_ports, (std::vector<PortRange>{{53, 53}, {5300, 5399}, {853, 853}}));
  EXPECT_EQ(rule.destinations,
            (std::vector<Cidr>{*Cidr::parse("0.0.0.0/0"), *Cidr::parse("::/0"), *Cidr::parse("192.0.2.1/32")}));
  EXPECT_EQ(rule.direction, Direction::output);
  EXPECT_EQ(rule.interfaces, (std::vector<std::string>{"eth*", "lan0"}));
  EXPECT_EQ(rule.users, (std::vector<std::uint32_t>{0, 1000, 4294967294}));
  EXPECT_EQ(rule.action, Action::gate);
  EXPECT_EQ(rule.release, Release::replied);
  EXPECT_EQ(rule.wait_for, WaitFor::delay);
}

TEST(ParsePolicy, RuleKeysHaveDefaults) {
  Rule expected;
  expected.name = "a";
  EXPECT_EQ(parsed("[[rule]]\nname = \"a\"\n").rules.at(0), expected);
}

TEST(ParsePolicy, RuleWithoutWaitForHasTheShims) {
  const Policy policy = parsed("[[rule]]\nname = \"a\"\n[shim]\nwait_for = \"reply\"\n");
  EXPECT_EQ(policy.rules.at(0).wait_for, WaitFor::reply);
}

TEST(ParsePolicy, EveryWord) {
  for (const std::string word : {"any", "output", "forward", "input"})
    EXPECT_EQ(to_string(parsed("[[rule]]\nname = \"a\"\ndirection = \"" + word + "\"\n").rules.at(0).direction), word);
  for (const std::string word : {"auto", "nftables", "iptables"})
    EXPECT_EQ(to_string(parsed("[daemon]\nbackend = \"" + word + "\"\n").daemon.backend), word);
  for (const std::string word : {"auto", "libc", "c-ares", "off"})
    EXPECT_EQ(to_string(parsed("[shim]\nresolver = \"" + word + "\"\n").shim.resolver), word);
  for (const std::string word : {"departure", "reply", "delay"})
    EXPECT_EQ(to_string(parsed("[shim]\nwait_for = \"" + word + "\"\n").shim.wait_for), word);
}

TEST(ParsePolicy, BoundsAreInclusive) {
  EXPECT_EQ(parsed("[gate]\nmax_hold = \"30s\"\nmax_promotions = 100\n").gate.max_hold, 30s);
  EXPECT_EQ(parsed("[gate]\nheld_per_flow = 65536\nheld_total = 65536\n").gate.held_per_flow, 65536U);
  EXPECT_EQ(parsed("[gate]\nheld_total = 63\n").gate.held_per_flow, 63U) << "the default follows";
  EXPECT_EQ(parsed("[daemon]\nqueue = 65470\nqueues = 64\n").daemon.queue, 65470);
  EXPECT_EQ(parsed("[daemon]\nqueue = 0\n").daemon.queue, 0);
  EXPECT_EQ(parsed("[gate]\nnew_flows_per_source = '1/s'\n").gate.new_flows_per_source, 1U);
  EXPECT_EQ(parsed("[gate]\nnew_flows_per_source = '1000000/s'\n").gate.new_flows_per_source, 1000000U);
}

TEST(ParsePolicy, KeyThatDoesNothingAnyMoreIsNoted) {
  EXPECT_EQ(parsed("[daemon]\nmark_bit = 7\n").notes,
            std::vector<std::string>{"policy.toml:2:12: daemon.mark_bit: does nothing any more; remove it"});
}

TEST(ParsePolicy, OtherSpellingsOfToml) {
  const Policy policy = parsed("gate.max_hold = '2s'\nrule = [{name = \"a\", users = [0x10]}]\n");
  EXPECT_EQ(policy.gate.max_hold, 2s);
  EXPECT_EQ(policy.rules.at(0).users, std::vector<std::uint32_t>{16});
  EXPECT_EQ(parsed("\xef\xbb\xbfversion = 1\r\n[gate]\r\nmax_hold = \"2s\"\r\n").gate.max_hold, 2s);
}

TEST(Policy, WaitsForRepliesOnlyWhereSomethingIsGated) {
  EXPECT_FALSE(Policy{}.waits_for_replies());
  EXPECT_TRUE(parsed("[default]\nrelease = \"replied\"\n").waits_for_replies());
  EXPECT_TRUE(parsed("[[rule]]\nname = \"a\"\nrelease = \"replied\"\n").waits_for_replies());
  Policy passing;
  passing.default_action = Action::pass;
  passing.default_release = Release::replied;
  EXPECT_FALSE(passing.waits_for_replies());
}

class LoadPolicy : public testing::Test {
 protected:
  LoadPolicy() {
    std::string name = (std::filesystem::temp_directory_path() / "ctgate-policy-XXXXXX").string();
    directory_ = mkdtemp(name.data());
  }
  ~LoadPolicy() override { std::filesystem::remove_all(directory_); }

  std::string write(const std::string& text) const {
    std::ofstream(path()) << text;
    return path();
  }
  [[nodiscard]] std::string path() const { return (directory_ / "policy.toml").string(); }

  std::filesystem::path directory_;
};

TEST_F(LoadPolicy, ReadsAFile) {
  const auto policy = load_policy(write("[gate]\nmax_hold = \"2s\"\n"), true);
  ASSERT_TRUE(policy);
  EXPECT_EQ(policy->gate.max_hold, 2s);
}

TEST_F(LoadPolicy, AbsentFileIsTheBuiltInPolicyUnlessItMustExist) {
  EXPECT_EQ(load_policy(path(), false).value(), Policy{});
  const auto missing = load_policy(path(), true);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ExitCode::usage);
  EXPECT_NE(missing.error().message.find(path() + ": No such file or directory"), std::string::npos);
}

TEST_F(LoadPolicy, AllDiagnosticsAreOneError) {
  const auto policy = load_policy(write("x = 1\ny = 2\n"), true);
  ASSERT_FALSE(policy);
  EXPECT_EQ(policy.error().code, ExitCode::usage);
  const std::string valid =
      "unknown key; expected one of \"version\", \"gate\", \"daemon\", \"shim\", \"rule\", \"default\"\n";
  EXPECT_EQ(policy.error().message, path() + ":1:1: x: " + valid + path() + ":2:1: y: " + valid);
}

TEST_F(LoadPolicy, DirectoryIsNotReadable) {
  const auto policy = load_policy(directory_.string(), false);
  ASSERT_FALSE(policy);
  EXPECT_EQ(policy.error().code, ExitCode::usage);
  EXPECT_NE(policy.error().message.find("Is a directory"), std::string::npos);
}

TEST_F(LoadPolicy, SizeIsLimited) {
  const std::string full(largest_policy_file, '\n');
  EXPECT_TRUE(load_policy(write(full), true));
  const auto larger = load_policy(write(full + '\n'), true);
  ASSERT_FALSE(larger);
  EXPECT_EQ(larger.error().code, ExitCode::usage);
}

}  // namespace
}  // namespace ctgate

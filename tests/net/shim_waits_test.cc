// SPDX-License-Identifier: GPL-2.0-or-later
// Who waits under the preload library, for what, and how long.
#include <regex>
#include <sstream>

#include "tests/support/shim_test.hh"

namespace ctgate::test {
namespace {

using namespace std::chrono_literals;

class ShimWaits : public ShimTest {
 protected:
  static std::vector<std::string> waits(const char* name) { return {SHIM_WAITS, name, service()}; }
  static RunOptions logged() { return {.environment = {"CTGATE_LOG=1"}}; }

  // A policy whose one rule is about the lab's service.
  static Policy policy_with(WaitFor wait_for, Milliseconds max_wait) {
    Policy policy;
    policy.shim.max_wait = max_wait;
    Rule rule;
    rule.name = "service";
    rule.destination_ports = {{server_port, server_port}};
    rule.wait_for = wait_for;
    policy.rules = {rule};
    return policy;
  }
  static RunOptions under(const Policy& policy) {
    return {.environment = {"CTGATE_LOG=1", "CTGATE_POLICY=" + image_file(policy)}};
  }

  RunResult run_to_end(const char* name, const RunOptions& options) {
    auto result = run(waits(name), options);
    EXPECT_EQ(result.exit_status, 0) << result.errors;
    return result;
  }
  void expect_damage(std::uint32_t expected) {
    const auto damage = take_damage(expected);
    EXPECT_EQ(damage.arrivals.delivered, expected);
    EXPECT_GT(damage.arrivals.split_flows, 0U);
  }
  void expect_no_damage(std::uint32_t expected) {
    const auto damage = take_damage(expected);
    EXPECT_EQ(damage.arrivals.delivered, expected);
    EXPECT_EQ(damage.arrivals.split_flows, 0U);
    EXPECT_EQ(damage.clashes, 0U);
  }
};

TEST_F(ShimWaits, FollowersWaitForTheVerdict) {
  set_up_delayed_output(Family::ipv4, 50ms);
  const auto result = run_to_end("pairs", logged());
  EXPECT_GE(value(result, "follower_us"), 40'000);
  EXPECT_LT(value(result, "follower_us"), 80'000);
  EXPECT_EQ(held(result), 10U);
  expect_no_damage(20);
}

TEST_F(ShimWaits, OneDatagramAFlowIsNotDelayed) {
  set_up_delayed_output(Family::ipv4, 50ms);
  const auto result = run_to_end("single", logged());
  EXPECT_EQ(result.errors, "");
  EXPECT_LT(value(result, "longest_us"), 40'000);
}

TEST_F(ShimWaits, KnownFlowsAreNotDelayed) {
  set_up_delayed_output();
  for (const char* name : {"answered", "stream"}) {
    const auto result = run_to_end(name, logged());
    EXPECT_EQ(result.errors, "");
    EXPECT_LT(value(result, "follower_us"), 3000);
  }
}

TEST_F(ShimWaits, NobodyIsDelayedWithoutAThirdParty) {
  set_up_delayed_output(Family::ipv4, 0us);
  const auto without = run_to_end("pairs", {.preload = false});
  const auto with = run_to_end("pairs", logged());
  EXPECT_LT(value(with, "follower_us"), std::max(3000L, 20 * value(without, "follower_us")));
  EXPECT_LE(held(with), 1U) << with.errors;
}

TEST_F(ShimWaits, MaxWaitBoundsTheWait) {
  set_up_delayed_output(Family::ipv4, 1s);
  const auto result = run_to_end("five", logged());
  EXPECT_GE(value(result, "follower_us"), 80'000);
  EXPECT_LT(value(result, "follower_us"), 200'000);
  EXPECT_LT(value(result, "longest_us"), 50'000) << "the flow is known by then";
  EXPECT_EQ(held(result), 1U);
  EXPECT_NE(result.errors.find(", then sent it although the first one had not left\n"), std::string::npos);
}

TEST_F(ShimWaits, RuleThatWaitsForTheReply) {
  set_up_delayed_output(Family::ipv4, 5ms, 40ms);
  const auto options = under(policy_with(WaitFor::reply, 500ms));
  const auto pairs = run_to_end("pairs", options);
  EXPECT_GE(value(pairs, "follower_us"), 35'000);
  EXPECT_LT(value(pairs, "follower_us"), 200'000);
  EXPECT_EQ(held(pairs), 10U);
  expect_no_damage(20);
  // Having read the answer, the program need not wait for another.
  const auto answered = run_to_end("answered", options);
  EXPECT_LT(value(answered, "follower_us"), 3000);
  EXPECT_EQ(held(answered), 0U) << answered.errors;
}

TEST_F(ShimWaits, RuleThatWaitsForATime) {
  set_up_delayed_output();
  const auto result = run_to_end("pairs", under(policy_with(WaitFor::delay, 60ms)));
  EXPECT_GE(value(result, "follower_us"), 45'000);
  EXPECT_LT(value(result, "follower_us"), 90'000);
  EXPECT_EQ(result.errors.find("although"), std::string::npos) << result.errors;
  expect_no_damage(20);
}

TEST_F(ShimWaits, RulesThatDoNotMatchAreNotAsked) {
  set_up_delayed_output();
  auto policy = policy_with(WaitFor::delay, 500ms);
  policy.rules[0].destination_ports = {{53, 53}};
  const auto result = run_to_end("pairs", under(policy));
  EXPECT_LT(value(result, "follower_us"), 20'000);
  expect_no_damage(20);
}

TEST_F(ShimWaits, RuleThatLetsPass) {
  set_up_delayed_output();
  auto policy = policy_with(WaitFor::departure, 100ms);
  policy.rules[0].destinations = {Cidr::parse(service() + "/32").value()};
  policy.rules[0].action = Action::pass;
  const auto result = run_to_end("pairs", under(policy));
  EXPECT_EQ(result.errors, "");
  EXPECT_LT(value(result, "follower_us"), 3000);
  expect_damage(20);
}

TEST_F(ShimWaits, SkippedProgram) {
  set_up_delayed_output();
  Policy policy;
  policy.shim.skip_programs = {"/usr/bin/other", SHIM_WAITS};
  EXPECT_EQ(run_to_end("pairs", under(policy)).errors, "");
  expect_damage(20);
  policy.shim.skip_programs = {"/usr/bin/other"};
  run_to_end("pairs", under(policy));
  expect_no_damage(20);
}

TEST_F(ShimWaits, Disabled) {
  set_up_delayed_output();
  EXPECT_EQ(run_to_end("pairs", {.environment = {"CTGATE_DISABLE=1", "CTGATE_LOG=1"}}).errors, "");
  expect_damage(20);
  run_to_end("pairs", {.environment = {"CTGATE_DISABLE=0"}});
  expect_no_damage(20);
}

TEST_F(ShimWaits, LogHasALineForEachWait) {
  for (const Family family : both_families) {
    set_up_delayed_output(family, 50ms);
    const auto result =
        run({SHIM_BURST, "flows=5", family == Family::ipv6 ? "family=6" : "family=4", "address=" + service(family)},
            logged());
    const std::regex line(family == Family::ipv6
                              ? R"(ctgate\[\d+\]: held a datagram to \[fd00:99:9:0:0:0:0:9\]:9000 for \d+\.\d{3} ms)"
                              : R"(ctgate\[\d+\]: held a datagram to 10\.99\.9\.9:9000 for \d+\.\d{3} ms)");
    std::istringstream lines(result.errors);
    unsigned count = 0;
    for (std::string text; std::getline(lines, text); ++count) EXPECT_TRUE(std::regex_match(text, line)) << text;
    EXPECT_EQ(count, 5U);
    consumer.reset();
    servers.reset();
  }
}

}  // namespace
}  // namespace ctgate::test

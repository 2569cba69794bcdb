// SPDX-License-Identifier: GPL-2.0-or-later
// ctgate policy check, show and match.
#include <nlohmann/json.hpp>

#include "tests/cli/command_test.hh"

namespace ctgate::test {
namespace {

using nlohmann::json;

class PolicyCommand : public CommandTest {
 protected:
  static constexpr const char* two_rules =
      "[[rule]]\nname = 'web'\ndestination_ports = [443]\naction = 'pass'\n"
      "[[rule]]\nname = 'dns'\ndestination_ports = [53]\nrelease = 'replied'\n"
      "[default]\naction = 'pass'\n";

  [[nodiscard]] ProgramResult match(std::vector<std::string> words) const {
    words.insert(words.begin(), {"policy", "match", "--policy", policy(two_rules)});
    return run(words);
  }
};

TEST_F(PolicyCommand, CheckSaysOk) {
  const auto path = policy(two_rules);
  const auto result = run({"policy", "check", path});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.output, path + ": ok, 2 rules\n");
}

TEST_F(PolicyCommand, CheckAcceptsAnEmptyFile) {
  const auto path = policy("");
  const auto result = run({"policy", "check", path});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.output, path + ": ok, 0 rules\n");
}

TEST_F(PolicyCommand, CheckPrintsEveryErrorWithItsPlace) {
  const auto path = policy("version = 2\n[gate]\nmax_hodl = '1s'\n[[rule]]\nname = 'a'\naction = 'gaet'\n");
  const auto result = run({"policy", "check", path});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.output, path + ":1:11: version: expected 1, found 2\n" + path +
                               ":3:1: gate.max_hodl: unknown key; did you mean \"max_hold\"?\n" + path +
                               ":6:10: rule[0].action: expected one of \"gate\", \"pass\", found \"gaet\"; " +
                               "did you mean \"gate\"?\n");
}

TEST_F(PolicyCommand, CheckPointsAtASyntaxError) {
  const auto path = policy("[gate]\nmax_hold = \n");
  const auto result = run({"policy", "check", path});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_TRUE(result.output.starts_with(path + ":2:")) << result.output;
}

TEST_F(PolicyCommand, AMissingFileThatWasNamedIsAnError) {
  for (const char* command : {"check", "show"}) {
    const auto result = run({"policy", command, (directory / "missing.toml").string()});
    EXPECT_EQ(result.exit_code, 2) << command;
    EXPECT_TRUE(result.output.starts_with("ctgate: cannot read the policy ")) << result.output;
    EXPECT_TRUE(contains(result, "missing.toml: No such file or directory")) << result.output;
  }
}

TEST_F(PolicyCommand, WhatShowPrintsIsTheSamePolicy) {
  const auto shown = run({"policy", "show", policy(two_rules)});
  ASSERT_EQ(shown.exit_code, 0) << shown.output;
  for (const char* line : {"max_hold = \"30s\"", "queue = 5380", "name = \"dns\"", "release = \"replied\""}) {
    EXPECT_TRUE(contains(shown, line)) << line << " is missing in\n" << shown.output;
  }
  const auto again = run({"policy", "show", policy(shown.output)});
  EXPECT_EQ(again.output, shown.output);
}

TEST_F(PolicyCommand, ShowJson) {
  const auto shown = run({"policy", "show", "--json", policy(two_rules)});
  ASSERT_EQ(shown.exit_code, 0) << shown.output;
  const auto document = json::parse(shown.output);
  EXPECT_EQ(document.at("built_in_defaults"), false);
  const auto& content = document.at("policy");
  EXPECT_EQ(content.at("gate").at("max_hold"), "30s");
  EXPECT_EQ(content.at("rule").size(), 2U);
  EXPECT_EQ(content.at("rule")[1].at("destination_ports"), json::array({53}));
  EXPECT_EQ(content.at("shim").at("libc_option"), "single-request");
  EXPECT_EQ(content.at("default").at("action"), "pass");
}

TEST_F(PolicyCommand, MatchNamesTheRuleAndWhyTheOnesBeforeItDidNot) {
  const auto result = match({"192.0.2.10:40000", "192.0.2.53:53"});
  EXPECT_EQ(result.exit_code, 0);
  for (const char* line : {"action:  gate\n", "release: replied\n", "rule \"dns\": destination port 53 is in 53\n",
                           "rule \"web\": destination port 53 is not in 443\n"}) {
    EXPECT_TRUE(contains(result, line)) << line << " is missing in\n" << result.output;
  }
}

TEST_F(PolicyCommand, MatchJson) {
  const auto result = match({"--json", "[2001:db8::10]:40000", "[2001:db8::53]:80"});
  EXPECT_EQ(result.exit_code, 0);
  const auto document = json::parse(result.output);
  EXPECT_EQ(document.at("rule"), nullptr);
  EXPECT_EQ(document.at("action"), "pass");
  EXPECT_EQ(document.at("exempt"), false);
  EXPECT_EQ(document.at("rejected").size(), 2U);
}

TEST_F(PolicyCommand, MatchKnowsThatLoopbackIsNeverGated) {
  const auto document = json::parse(match({"--json", "127.0.0.1:40000", "127.0.0.53:53"}).output);
  EXPECT_EQ(document.at("exempt"), true);
  EXPECT_EQ(document.at("action"), "pass");
}

TEST_F(PolicyCommand, MatchRefusesWhatIsNoFlow) {
  EXPECT_EQ(match({"192.0.2.10", "192.0.2.53:53"}).exit_code, 2);
  EXPECT_EQ(match({"192.0.2.10:1", "[2001:db8::53]:53"}).exit_code, 2);
  EXPECT_EQ(match({"--direction", "sideways", "192.0.2.10:1", "192.0.2.53:53"}).exit_code, 2);
  const auto user = match({"--direction", "forward", "--user", "root", "192.0.2.10:1", "192.0.2.53:53"});
  EXPECT_EQ(user.exit_code, 2);
  EXPECT_TRUE(contains(user, "--user requires --direction output")) << user.output;
}

}  // namespace
}  // namespace ctgate::test

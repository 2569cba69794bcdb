// SPDX-License-Identifier: GPL-2.0-or-later
// Every kind of error in a well-formed TOML file, each with its exact line and column.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

#include "policy/toml/parse.hh"

namespace ctgate {
namespace {

// All errors of `text` as the user sees them.
std::string errors(std::string_view text) {
  const auto result = parse_policy(text, "p");
  return result ? "" : to_string(result.error());
}

// The errors of a rule called "a" with these further lines, the first of which is line 3.
std::string rule_errors(const std::string& lines) {
  return errors(fmt::format("[[rule]]\nname = \"a\"\n{}\n", lines));
}

TEST(PolicyErrors, DiagnosticHasAllParts) {
  const auto result = parse_policy("[[rule]]\nname = \"a\"\n  action = \"gaet\"\n", "dir/policy.toml");
  ASSERT_FALSE(result);
  ASSERT_EQ(result.error().size(), 1U);
  const Diagnostic expected{.file = "dir/policy.toml",
                            .line = 3,
                            .column = 12,
                            .key = "rule[0].action",
                            .expected = "one of \"gate\", \"pass\"",
                            .found = "\"gaet\"",
                            .nearest = "gate",
                            .problem = ""};
  EXPECT_EQ(result.error().front(), expected);
  EXPECT_EQ(expected.to_string(),
            "dir/policy.toml:3:12: rule[0].action: expected one of \"gate\", \"pass\", found \"gaet\"; "
            "did you mean \"gate\"?");
}

TEST(PolicyErrors, Version) {
  EXPECT_EQ(errors("version = 2\n"), "p:1:11: version: expected 1, found 2\n");
  EXPECT_EQ(errors("version = \"1\"\n"), "p:1:11: version: expected 1, found \"1\"\n");
}

TEST(PolicyErrors, UnknownKey) {
  EXPECT_EQ(errors("[gate]\n\n  max_hodl = \"1s\"\n"),
            "p:3:3: gate.max_hodl: unknown key; did you mean \"max_hold\"?\n");
  EXPECT_EQ(errors("[daemon]\ncolour = 1\n"),
            "p:2:1: daemon.colour: unknown key; expected one of \"queue\", \"queues\", \"backend\", \"mark_bit\"\n");
}

TEST(PolicyErrors, UnknownSection) {
  EXPECT_EQ(errors("\n[gaet]\nmax_hold = \"1s\"\n"), "p:2:2: gaet: unknown key; did you mean \"gate\"?\n");
  EXPECT_EQ(errors("[[rules]]\nname = \"a\"\n"), "p:1:3: rules: unknown key; did you mean \"rule\"?\n");
}

TEST(PolicyErrors, UnknownRuleKeyListsEachValidKeyOnce) {
  EXPECT_EQ(rule_errors("colour = 1"),
            "p:3:1: rule[0].colour: unknown key; expected one of \"name\", \"destination_ports\", \"destinations\", "
            "\"direction\", \"interfaces\", \"users\", \"marks\", \"action\", \"release\", \"wait_for\"\n");
}

TEST(PolicyErrors, SectionIsNoTable) {
  EXPECT_EQ(errors("gate = 1\n"), "p:1:8: gate: expected a table, written [gate] on a separate line, found 1\n");
  EXPECT_EQ(errors("[rule]\nname = \"a\"\n"),
            "p:1:1: rule: expected an array of tables: each rule begins with [[rule]], found a table\n");
  EXPECT_EQ(errors("rule = [1]\n"), "p:1:9: rule[0]: expected a table: each rule begins with [[rule]], found 1\n");
}

TEST(PolicyErrors, Word) {
  EXPECT_EQ(errors("[shim]\nresolver = \"cares\"\n"),
            "p:2:12: shim.resolver: expected one of \"auto\", \"libc\", \"c-ares\", \"off\", found \"cares\"; "
            "did you mean \"c-ares\"?\n");
  EXPECT_EQ(errors("[default]\naction = true\n"),
            "p:2:10: default.action: expected one of \"gate\", \"pass\", found true\n");
}

TEST(PolicyErrors, Integer) {
  EXPECT_EQ(errors("[gate]\nheld_total = 65537\n"),
            "p:2:14: gate.held_total: expected an integer from 1 to 65536, found 65537\n");
  EXPECT_EQ(errors("[gate]\nmax_promotions = -1\n"),
            "p:2:18: gate.max_promotions: expected an integer from 0 to 100, found -1\n");
  EXPECT_EQ(errors("[daemon]\nmark_bit = 32\n"),
            "p:2:12: daemon.mark_bit: expected an integer from 0 to 31, found 32\n");
  EXPECT_EQ(errors("[daemon]\nqueues = 1.5\n"), "p:2:10: daemon.queues: expected an integer from 1 to 64, found 1.5\n");
}

TEST(PolicyErrors, Duration) {
  EXPECT_EQ(errors("[gate]\nmax_hold = 1000\n"),
            "p:2:12: gate.max_hold: expected a duration from 1ms to 30s as a string with a unit, such as \"250ms\" or "
            "\"1s\", found 1000\n");
  EXPECT_EQ(
      errors("[gate]\nnew_flows_per_source = 1000\n"),
      "p:2:24: gate.new_flows_per_source: expected a rate from 1/s to 1000000/s as a string such as \"1000/s\", found "
      "1000\n");
  EXPECT_EQ(errors("[gate]\nnew_flows_per_source = \"0/s\"\n"),
            "p:2:24: gate.new_flows_per_source: expected a rate from 1/s to 1000000/s, found \"0/s\"\n");
  EXPECT_EQ(errors("[gate]\nnew_flows_per_source = \"50/m\"\n"),
            "p:2:24: gate.new_flows_per_source: expected a rate such as \"1000/s\", found \"50/m\"; did you mean "
            "\"50/s\"?\n");
  EXPECT_EQ(
      errors("[[rule]]\nname = \"r\"\nmarks = [\"0x40/0x0f\"]\n"),
      "p:3:10: rule[0].marks[0]: expected no bit of the value outside the mask, found \"0x40/0x0f\"; did you mean "
      "\"0x0/0xf\"?\n");
  EXPECT_EQ(errors("[gate]\nmax_hold = \"31s\"\n"),
            "p:2:12: gate.max_hold: expected a duration from 1ms to 30s, found \"31s\"\n");
  EXPECT_EQ(errors("[shim]\nmax_wait = \"0ms\"\n"),
            "p:2:12: shim.max_wait: expected a duration from 1ms to 10s, found \"0ms\"\n");
  EXPECT_EQ(errors("[shim]\nmax_wait = \"1500us\"\n"),
            "p:2:12: shim.max_wait: expected a duration in whole milliseconds, found \"1500us\"\n");
  EXPECT_EQ(errors("[shim]\nmax_wait = \"1sec\"\n"),
            "p:2:12: shim.max_wait: expected a duration such as \"250ms\", \"1s\" or \"1.5s\" (units us, ms, s, m), "
            "found \"1sec\"; did you mean \"1s\"?\n");
}

TEST(PolicyErrors, RelationsBetweenKeys) {
  EXPECT_EQ(errors("[gate]\nheld_per_flow = 10\nheld_total = 9\n"),
            "p:2:17: gate.held_per_flow: expected at most held_total, which is 9, found 10\n");
  EXPECT_EQ(errors("[daemon]\nqueue = 65533\nqueues = 2\n"),
            "p:3:10: daemon.queues: expected queue + queues to be at most 65534, not 65535, found 2\n");
}

TEST(PolicyErrors, RelationIsJudgedOnlyIfBothKeysAreRight) {
  EXPECT_EQ(errors("[gate]\nheld_per_flow = 5000\nheld_total = 0\n"),
            "p:3:14: gate.held_total: expected an integer from 1 to 65536, found 0\n");
}

TEST(PolicyErrors, SkipPrograms) {
  EXPECT_EQ(errors("[shim]\nskip_programs = [\"/bin/a\", \"b\"]\n"),
            "p:2:28: shim.skip_programs[1]: expected the absolute path of a program, found \"b\"\n");
  EXPECT_EQ(errors("[shim]\nskip_programs = \"/bin/a\"\n"),
            "p:2:17: shim.skip_programs: expected an array of absolute paths, found \"/bin/a\"\n");
}

TEST(PolicyErrors, RuleName) {
  EXPECT_EQ(errors("\n[[rule]]\naction = \"pass\"\n"),
            "p:2:1: rule[0].name: missing; expected a name that no other rule has\n");
  EXPECT_EQ(errors("[[rule]]\nname = \"a b\"\n"),
            "p:2:8: rule[0].name: expected 1 to 64 of the characters A-Z a-z 0-9 _ . -, found \"a b\"; "
            "did you mean \"a-b\"?\n");
  EXPECT_EQ(errors("[[rule]]\nname = 1\n"), "p:2:8: rule[0].name: expected a string, found 1\n");
}

TEST(PolicyErrors, DuplicateRuleNameTellsWhereTheFirstIs) {
  EXPECT_EQ(errors("[[rule]]\nname = \"a\"\n[[rule]]\nname = \"b\"\n[[rule]]\n  name = \"a\"\n"),
            "p:6:10: rule[2].name: duplicate rule name \"a\", first used in line 2; expected a name that no other rule "
            "has\n");
}

TEST(PolicyErrors, Ports) {
  const std::string number = "expected a port from 1 to 65535 or a range such as \"5300-5399\"";
  EXPECT_EQ(rule_errors("destination_ports = [53, 0,\n 65536]"),
            fmt::format("p:3:26: rule[0].destination_ports[1]: {0}, found 0\n"
                        "p:4:2: rule[0].destination_ports[2]: {0}, found 65536\n",
                        number));
  EXPECT_EQ(rule_errors("destination_ports = [\"9-8\"]"),
            fmt::format("p:3:22: rule[0].destination_ports[0]: {}, the lower port first, found \"9-8\"; "
                        "did you mean \"8-9\"?\n",
                        number));
  EXPECT_EQ(rule_errors("destination_ports = 53"),
            "p:3:21: rule[0].destination_ports: expected an array of ports and ranges, such as [53, \"5300-5399\"], "
            "found 53\n");
}

TEST(PolicyErrors, Destinations) {
  EXPECT_EQ(rule_errors("destinations = [\"10.0.0.1/8\"]"),
            "p:3:17: rule[0].destinations[0]: expected a prefix with no bits set after the first 8, found "
            "\"10.0.0.1/8\"; did you mean \"10.0.0.0/8\"?\n");
  EXPECT_EQ(rule_errors("destinations = [\"::/129\"]"),
            "p:3:17: rule[0].destinations[0]: expected an address or a prefix such as \"10.0.0.0/8\" or "
            "\"2001:db8::/32\", found \"::/129\"\n");
}

TEST(PolicyErrors, Interfaces) {
  EXPECT_EQ(rule_errors("interfaces = [\"eth0\", \"e*h\"]"),
            "p:3:23: rule[0].interfaces[1]: expected '*' only as the last character, and no other wildcard: nft and "
            "iptables know only prefixes, found \"e*h\"\n");
  EXPECT_EQ(rule_errors("interfaces = [[]]"), "p:3:15: rule[0].interfaces[0]: expected a string, found an array\n");
}

TEST(PolicyErrors, Users) {
  EXPECT_EQ(rule_errors("users = [\"rot\"]"),
            "p:3:10: rule[0].users[0]: expected the name of a user that exists, or a number, found \"rot\"; "
            "did you mean \"root\"?\n");
  EXPECT_EQ(rule_errors("users = [-1, 4294967295]"),
            "p:3:10: rule[0].users[0]: expected the name of a user or a number from 0 to 4294967294, found -1\n"
            "p:3:14: rule[0].users[1]: expected the name of a user or a number from 0 to 4294967294, found "
            "4294967295\n");
}

TEST(PolicyErrors, UsersNeedALocalSender) {
  for (const std::string direction : {"forward", "input"})
    EXPECT_EQ(rule_errors(fmt::format("users = [0]\ndirection = \"{}\"", direction)),
              fmt::format("p:4:13: rule[0].direction: expected \"output\" or \"any\" in a rule with users, since only "
                          "local senders have one, found \"{}\"; did you mean \"output\"?\n",
                          direction));
  EXPECT_EQ(rule_errors("users = [0]\ndirection = \"any\""), "");
  EXPECT_EQ(rule_errors("users = []\ndirection = \"input\""), "");
}

TEST(PolicyErrors, ReleaseWithoutHold) {
  const std::string text =
      "release: has no meaning with action = \"pass\"; expected no such key here, since what passes is never held\n";
  EXPECT_EQ(rule_errors("action = \"pass\"\nrelease = \"confirmed\""), fmt::format("p:4:11: rule[0].{}", text));
  EXPECT_EQ(errors("[default]\nrelease = \"replied\"\naction = \"pass\"\n"), fmt::format("p:2:11: default.{}", text));
}

TEST(PolicyErrors, AllErrorsOfAFileInItsOrder) {
  EXPECT_EQ(
      errors("version = 3\n"
             "[[rule]]\n"
             "name = \"a\"\n"
             "actoin = \"pass\"\n"
             "direction = \"inptu\"\n"
             "[gate]\n"
             "max_hold = \"1h\"\n"
             "[[rule]]\n"
             "destinations = [\"x\", \"10.0.0.1/8\"]\n"),
      "p:1:11: version: expected 1, found 3\n"
      "p:4:1: rule[0].actoin: unknown key; did you mean \"action\"?\n"
      "p:5:13: rule[0].direction: expected one of \"any\", \"output\", \"forward\", \"input\", found \"inptu\"; did "
      "you mean \"input\"?\n"
      "p:7:12: gate.max_hold: expected a duration such as \"250ms\", \"1s\" or \"1.5s\" (units us, ms, s, m), found "
      "\"1h\"\n"
      "p:8:1: rule[1].name: missing; expected a name that no other rule has\n"
      "p:9:17: rule[1].destinations[0]: expected an address or a prefix such as \"10.0.0.0/8\" or "
      "\"2001:db8::/32\", found \"x\"\n"
      "p:9:22: rule[1].destinations[1]: expected a prefix with no bits set after the first 8, found "
      "\"10.0.0.1/8\"; did you mean \"10.0.0.0/8\"?\n");
}

TEST(PolicyErrors, ColumnsCountCharacters) {
  EXPECT_EQ(errors("[shim]\nskip_programs = [\"/\xc3\xa9\", 1]\n"),
            "p:2:24: shim.skip_programs[1]: expected a string, found 1\n");
}

TEST(PolicyErrors, ControlCharactersAreNotPrinted) {
  const auto text = errors("[default]\naction = \"\\u001b[2J\\u009b\"\n");
  EXPECT_NE(text.find("\\x1b[2J\\xc2"), std::string::npos) << text;
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find("\xc2\x9b"), std::string::npos);
}

}  // namespace
}  // namespace ctgate

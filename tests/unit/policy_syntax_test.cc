// SPDX-License-Identifier: GPL-2.0-or-later
// Files that are not TOML, and files that were made to hurt.
#include <gtest/gtest.h>

#include <string>

#include "policy/toml/parse.hh"

namespace ctgate {
namespace {

std::string errors(std::string_view text) {
  const auto result = parse_policy(text, "p");
  return result ? "" : to_string(result.error());
}

std::string repeated(std::string_view part, std::size_t times) {
  std::string text;
  for (std::size_t i = 0; i < times; ++i) text += part;
  return text;
}

TEST(PolicySyntax, PositionAndKey) {
  EXPECT_EQ(errors("[daemon]\nqueue =\n"), "p:2:8: daemon.queue: not TOML: expected value, saw '\\n'\n");
  EXPECT_EQ(errors("[[rule]]\nname = \"a\"\n[[rule]]\nname = \"b\"\nusers = [1 2]\n"),
            "p:5:12: rule[1].users: not TOML: expected comma or closing ']', saw '2'\n");
}

TEST(PolicySyntax, WordWithoutQuotes) {
  EXPECT_EQ(errors("[shim]\nresolver = c-ares  # fast\n"),
            "p:2:12: shim.resolver: expected a string in double quotes, found c-ares; did you mean \"c-ares\"?\n");
  EXPECT_EQ(errors("[gate]\nmax_hold = 1s\n"),
            "p:2:13: gate.max_hold: expected a string in double quotes, found 1s; did you mean \"1s\"?\n");
}

TEST(PolicySyntax, KeyGivenTwice) {
  EXPECT_EQ(errors("[daemon]\nqueue = 1\nqueue = 2\n"),
            "p:3:9: daemon.queue: not TOML: cannot redefine existing integer 'queue'\n");
  EXPECT_EQ(errors("[gate]\n[daemon]\n[gate]\n"), "p:3:1: gate: not TOML: cannot redefine existing table 'gate'\n");
}

TEST(PolicySyntax, RestOfTheFileIsStillChecked) {
  EXPECT_EQ(errors("[daemon]\nqueue = \n[gate]\nmax_hodl = \"1s\"\nmax_promotions = [\n[default]\naction = \"gaet\"\n"),
            "p:2:9: daemon.queue: not TOML: expected value, saw '\\n'\n"
            "p:4:1: gate.max_hodl: unknown key; did you mean \"max_hold\"?\n"
            "p:6:2: gate.max_promotions: not TOML: could not determine value type\n"
            "p:7:10: default.action: expected one of \"gate\", \"pass\", found \"gaet\"; did you mean \"gate\"?\n");
}

TEST(PolicySyntax, ArrayLeftOpenIsBlamedNotTheNextKey) {
  EXPECT_EQ(errors("[[rule]]\nname = \"a\"\ndestination_ports = [53,\n  54\naction = \"gaet\"\n"),
            "p:5:1: rule[0].destination_ports: not TOML: expected comma or closing ']', saw 'a'\n"
            "p:5:10: rule[0].action: expected one of \"gate\", \"pass\", found \"gaet\"; did you mean \"gate\"?\n");
}

TEST(PolicySyntax, ValueOfSeveralLinesIsLeftOutAsAWhole) {
  EXPECT_EQ(errors("[[rule]]\nname = \"a\"\ndestinations = [\n  \"10.0.0.0/8\"\n  \"::/0\",\n]\naction = \"gaet\"\n"),
            "p:5:3: rule[0].destinations: not TOML: expected comma or closing ']', saw '\"'\n"
            "p:7:10: rule[0].action: expected one of \"gate\", \"pass\", found \"gaet\"; did you mean \"gate\"?\n");
}

TEST(PolicySyntax, BrokenHeaderTakesItsSectionWithIt) {
  EXPECT_EQ(errors("[gate\nmax_hold = \"1s\"\n[default]\naction = \"gaet\"\n"),
            "p:1:6: gate: not TOML: expected ']', saw '\\n'\n"
            "p:4:10: default.action: expected one of \"gate\", \"pass\", found \"gaet\"; did you mean \"gate\"?\n");
}

TEST(PolicySyntax, NothingIsCalledMissingThatMayHaveBeenLeftOut) {
  EXPECT_EQ(errors("[[rule]]\nname = \"a\nusers = [1]\n"),
            "p:2:10: rule[0].name: not TOML: unescaped control characters other than TAB (U+0009) are explicitly "
            "prohibited\n");
}

TEST(PolicySyntax, EndOfFileInsideAString) {
  EXPECT_EQ(errors("[default]\naction = \"\"\"gate"), "p:2:17: default.action: not TOML: encountered end-of-file\n");
}

TEST(PolicyHostile, NulBytes) {
  EXPECT_EQ(errors(std::string_view("a\0b = 1\nversion = 2\n", 20)),
            "p:1:2: not TOML: expected '=', saw '\\u0000'\np:2:11: version: expected 1, found 2\n");
  EXPECT_FALSE(parse_policy(std::string(4096, '\0'), "p"));
  EXPECT_FALSE(parse_policy("[[rule]]\nname = \"a\"\ninterfaces = [\"eth\\u0000\"]\n", "p"));
  EXPECT_FALSE(parse_policy("[[rule]]\nname = \"a\"\ndestinations = [\"10.0.0.0\\u0000/8\"]\n", "p"));
}

TEST(PolicyHostile, InvalidUtf8) {
  EXPECT_EQ(errors("x = \xff\n"), "p:1:4: x: not TOML: Encountered invalid utf-8 sequence\n");
  EXPECT_FALSE(parse_policy("# \xc3", "p"));
}

TEST(PolicyHostile, DeepBrackets) {
  EXPECT_FALSE(parse_policy("x = " + repeated("[", 500000), "p"));
  EXPECT_FALSE(parse_policy(repeated("[", 500000), "p"));
  EXPECT_FALSE(parse_policy("x = " + repeated("{a=", 300000), "p"));
  EXPECT_FALSE(parse_policy("x = " + repeated("[\n", 500000), "p"));
}

TEST(PolicyHostile, DeepKeysDoNotOverflowTheStack) {
  const std::string deep = repeated("a.", 400000) + "a";
  EXPECT_EQ(errors(deep + " = 1\nversion = 2\n"),
            "p:1:34: tables nested too deeply; expected keys such as gate.max_hold\n"
            "p:2:11: version: expected 1, found 2\n");
  EXPECT_FALSE(parse_policy("[" + deep + "]\n", "p"));
  EXPECT_FALSE(parse_policy("[[" + deep + "]]\n", "p"));
  EXPECT_FALSE(parse_policy("x = {" + deep + " = 1}\n", "p"));
  EXPECT_FALSE(parse_policy("x = [\"\"\"\"\"\"\"\", {" + deep + " = 1}]\n", "p"));
  EXPECT_FALSE(parse_policy("x = [\"\\\"#\", '\\', {" + deep + " = 1}]\n", "p"));
  EXPECT_FALSE(parse_policy("x = \"\"\"\n\\\"\"\"#\"\"\"\n" + deep + " = 1\n", "p"));
}

TEST(PolicyHostile, DotsInStringsAndCommentsAreFine) {
  const std::string dots(1000, '.');
  EXPECT_TRUE(parse_policy("# " + dots + "\n[shim]\nskip_programs = [\"/" + dots + "\", '/" + dots + "']\n", "p"));
  EXPECT_TRUE(parse_policy("[[rule]]\nname = \"a\"\ndestinations = [" + repeated("\"10.0.0.1\",", 1000) + "]\n", "p"));
}

TEST(PolicyHostile, DeepestThatTheGuardLetsThrough) {
  const std::string level = repeated("a.", 16) + "a = [\n{";
  EXPECT_FALSE(parse_policy(repeated(level, 10000), "p"));
}

TEST(PolicyHostile, MegabyteOfOneThing) {
  const std::size_t size = largest_policy_file;
  EXPECT_TRUE(parse_policy(std::string(size, '\n'), "p"));
  EXPECT_TRUE(parse_policy("#" + std::string(size - 1, 'a'), "p"));
  EXPECT_FALSE(parse_policy(std::string(size, 'a'), "p"));
  EXPECT_FALSE(parse_policy(std::string(size, '"'), "p"));
  EXPECT_FALSE(parse_policy(repeated("[[rule]]\n", size / 9), "p"));
  EXPECT_FALSE(parse_policy(repeated("=\n", size / 2), "p"));
  EXPECT_FALSE(parse_policy("[[rule]]\nname = \"" + std::string(size - 20, 'a') + "\"\n", "p"));
  EXPECT_EQ(errors(std::string(size + 1, '\n')), "p:1:1: file too large; expected at most 1048576 bytes\n");
}

TEST(PolicyHostile, ManyUnknownKeysAreAllReported) {
  std::string text;
  for (int i = 0; i < 20000; ++i) text += "key_" + std::to_string(i) + " = 1\n";
  const auto result = parse_policy(text, "p");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().size(), 20000U);
}

}  // namespace
}  // namespace ctgate

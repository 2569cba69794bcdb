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

TEST(PolicySyntax, Position) {
  EXPECT_EQ(errors("[daemon]\nqueue =\n"), "p:2:8: not TOML: expected value, saw '\\n'\n");
  EXPECT_EQ(errors("[[rule]]\nname = \"a\"\nusers = [1 2]\n"),
            "p:3:12: not TOML: expected comma or closing ']', saw '2'\n");
  EXPECT_EQ(errors("[gate\nmax_hold = \"1s\"\n"), "p:1:6: not TOML: expected ']', saw '\\n'\n");
  EXPECT_EQ(errors("[default]\naction = \"\"\"gate"), "p:2:17: not TOML: encountered end-of-file\n");
}

TEST(PolicySyntax, WordWithoutQuotes) {
  EXPECT_EQ(errors("[shim]\nresolver = c-ares  # fast\n"),
            "p:2:12: expected a string in double quotes, found c-ares; did you mean \"c-ares\"?\n");
  EXPECT_EQ(errors("[gate]\nmax_hold = 1s\r\n"),
            "p:2:13: expected a string in double quotes, found 1s; did you mean \"1s\"?\n");
  EXPECT_EQ(errors("gate.max_hold = 1s"),
            "p:1:18: expected a string in double quotes, found 1s; did you mean \"1s\"?\n");
}

TEST(PolicySyntax, WordsThatAreNotTheCulprit) {
  EXPECT_EQ(errors("[daemon]\nqueue = 007\n"), "p:2:12: not TOML: leading zeroes are prohibited\n");
  EXPECT_EQ(errors("[shim]\nresolver = c-ares, libc\n"), "p:2:12: not TOML: could not determine value type\n");
  EXPECT_EQ(errors("[[rule]]\nname = \"a\"\ndestination_ports = [53,\n  54\naction = gate\n"),
            "p:5:1: not TOML: expected comma or closing ']', saw 'a'\n");
}

TEST(PolicySyntax, KeyGivenTwice) {
  EXPECT_EQ(errors("[daemon]\nqueue = 1\nqueue = 2\n"), "p:3:9: not TOML: cannot redefine existing integer 'queue'\n");
  EXPECT_EQ(errors("[gate]\n[daemon]\n[gate]\n"), "p:3:1: not TOML: cannot redefine existing table 'gate'\n");
}

TEST(PolicySyntax, OnlyTheFirstErrorIsReported) {
  EXPECT_EQ(errors("version = 2\n[daemon]\nqueue = \n[gate]\nmax_hodl = \"1s\"\nmax_promotions = [\n"),
            "p:3:9: not TOML: expected value, saw '\\n'\n");
}

TEST(PolicySyntax, OutsideStringsAndCommentsThereIsOnlyAscii) {
  const std::string tail =
      ": not TOML: a character outside ASCII; expected such characters only in strings and comments\n";
  EXPECT_EQ(errors("[gate]\na\xd1\xa6 = 1\n"), "p:2:2" + tail);
  EXPECT_EQ(errors("[[rule]]\nname = \u201cdns\u201d\n"), "p:2:8" + tail) << "quotes of a word processor";
  EXPECT_EQ(errors("version = 1\u00a0\n"), "p:1:12" + tail);
  EXPECT_EQ(errors("[[rule]]\ndestination_ports = [\n\u201c53\u201d]\n"), "p:3:1" + tail) << "inside an array";
  EXPECT_EQ(errors("[gate\nmax_hold = 1\u00a0\n"), "p:1:6: not TOML: expected ']', saw '\\n'\n") << "the first error";
  EXPECT_EQ(errors("\ufeffversion = 1  # gr\u00fc\u00dfe\n[default] # \u201c\n"), "");
}

TEST(PolicyHostile, NulBytes) {
  EXPECT_EQ(errors(std::string_view("a\0b = 1\nversion = 2\n", 20)), "p:1:2: not TOML: expected '=', saw '\\u0000'\n");
  EXPECT_FALSE(parse_policy(std::string(4096, '\0'), "p"));
  EXPECT_FALSE(parse_policy("[[rule]]\nname = \"a\"\ninterfaces = [\"eth\\u0000\"]\n", "p"));
  EXPECT_FALSE(parse_policy("[[rule]]\nname = \"a\"\ndestinations = [\"10.0.0.0\\u0000/8\"]\n", "p"));
}

TEST(PolicyHostile, InvalidUtf8) {
  EXPECT_EQ(errors("x = '\xff'\n"), "p:1:5: not TOML: Encountered invalid utf-8 sequence\n");
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
            "p:1:34: tables nested too deeply; expected keys such as gate.max_hold\n");
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

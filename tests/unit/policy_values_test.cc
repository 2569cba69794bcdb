// SPDX-License-Identifier: GPL-2.0-or-later
// Single values: addresses, prefixes, durations, ports, interfaces, users, names.
#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "policy/base/error.hh"
#include "policy/toml/diagnostic.hh"
#include "policy/toml/values.hh"

namespace ctgate {
namespace {

using namespace std::chrono_literals;

TEST(Address, ParsesBothFamilies) {
  EXPECT_EQ(Address::parse("192.0.2.1")->to_string(), "192.0.2.1");
  EXPECT_EQ(Address::parse("192.0.2.1")->family, Family::ipv4);
  EXPECT_EQ(Address::parse("2001:DB8:0:0::1")->to_string(), "2001:db8::1");
  EXPECT_EQ(Address::parse("::ffff:192.0.2.1")->family, Family::ipv6);
}

TEST(Address, RefusesWhatInetPtonRefuses) {
  for (const std::string text :
       {"", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.256", "fe80::1%eth0", "localhost", "::1 "})
    EXPECT_FALSE(Address::parse(text)) << text;
  EXPECT_FALSE(Address::parse(std::string_view("1.2.3.4\0x", 9)));
}

TEST(Cidr, ZeroLengthHoldsItsWholeFamilyOnly) {
  const auto all = Cidr::parse("0.0.0.0/0");
  ASSERT_TRUE(all);
  EXPECT_TRUE(all->contains(*Address::parse("255.255.255.255")));
  EXPECT_FALSE(all->contains(*Address::parse("::1")));
  EXPECT_TRUE(Cidr::parse("::/0")->contains(*Address::parse("ffff::")));
}

TEST(Cidr, FullLengthHoldsOneAddress) {
  EXPECT_EQ(Cidr::parse("192.0.2.1/32"), Cidr::parse("192.0.2.1"));
  EXPECT_EQ(Cidr::parse("2001:db8::1/128"), Cidr::parse("2001:db8::1"));
  EXPECT_FALSE(Cidr::parse("192.0.2.1/32")->contains(*Address::parse("192.0.2.0")));
  EXPECT_FALSE(Cidr::parse("2001:db8::1")->contains(*Address::parse("2001:db8::")));
}

TEST(Cidr, LengthsWithinAByte) {
  const auto cidr = Cidr::parse("10.128.0.0/9");
  ASSERT_TRUE(cidr);
  EXPECT_TRUE(cidr->contains(*Address::parse("10.255.1.1")));
  EXPECT_FALSE(cidr->contains(*Address::parse("10.127.255.255")));
}

TEST(Cidr, V4MappedPrefixIsIpv6) {
  const auto mapped = Cidr::parse("::ffff:10.0.0.0/104");
  ASSERT_TRUE(mapped);
  EXPECT_TRUE(mapped->contains(*Address::parse("::ffff:10.1.2.3")));
  EXPECT_FALSE(mapped->contains(*Address::parse("10.1.2.3")));
  EXPECT_EQ(mapped->to_string(), "::ffff:10.0.0.0/104");
}

TEST(Cidr, RefusesBadLengthsAndHostBits) {
  for (const std::string text :
       {"10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/08", "10.0.0.0/8 ",
        "10.0.0.0/8/8", "/8", "10.0.0.1/8", "::1/127", "0.0.0.1/0", "10.0.0.0/4294967304"})
    EXPECT_FALSE(Cidr::parse(text)) << text;
}

TEST(Cidr, ErrorForHostBitsNamesTheNetwork) {
  EXPECT_EQ(parse_cidr("10.0.0.1/8").error().nearest, "10.0.0.0/8");
  EXPECT_EQ(parse_cidr("2001:db8::1/32").error().nearest, "2001:db8::/32");
  EXPECT_EQ(parse_cidr("1.2.3.4/0").error().nearest, "0.0.0.0/0");
  EXPECT_EQ(parse_cidr("nonsense").error().nearest, "");
}

TEST(Duration, UnitsAndDecimals) {
  const std::vector<std::pair<std::string, Milliseconds>> cases = {
      {"250ms", 250ms}, {"1s", 1000ms}, {"1.5s", 1500ms}, {"2m", 120000ms},
      {"1000us", 1ms},  {"0.5m", 30s},  {"0.001s", 1ms},  {"999999999m", 999999999min},
      {"007ms", 7ms},
  };
  for (const auto& [text, value] : cases) EXPECT_EQ(parse_duration(text), value) << text;
}

TEST(Duration, WholeMillisecondsOnly) {
  for (const std::string text : {"500us", "1.5ms", "0.0005s", "0.000001m"}) {
    const auto duration = parse_duration(text);
    ASSERT_FALSE(duration) << text;
    EXPECT_EQ(duration.error().expected, "a duration in whole milliseconds") << text;
  }
}

TEST(Duration, RefusesOtherShapes) {
  for (const std::string text : {"", "s", "1", "1.s", ".5s", "-1s", "+1s", "1 s", "1s ", "1e3s", "1,5s", "1s1s",
                                 "1234567890s", "0.1234567s", "1.5.5s", "0x1s"})
    EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(Duration, SuggestsTheUnit) {
  EXPECT_EQ(parse_duration("1sec").error().nearest, "1s");
  EXPECT_EQ(parse_duration("2min").error().nearest, "2m");
  EXPECT_EQ(parse_duration("1.5S").error().nearest, "1.5s");
  EXPECT_EQ(parse_duration("250msec").error().nearest, "250ms");
  EXPECT_EQ(parse_duration("1h").error().nearest, "");
}

TEST(Duration, FormatIsExact) {
  for (const auto value : {0ms, 1ms, 999ms, 1000ms, 1500ms, 60000ms, 90000ms, 120000ms})
    EXPECT_EQ(parse_duration(format_duration(value)), value);
  EXPECT_EQ(format_duration(90s), "90s");
}

TEST(Ports, NumbersAndRanges) {
  EXPECT_EQ(parse_port_range("53"), (PortRange{53, 53}));
  EXPECT_EQ(parse_port_range("1-65535"), (PortRange{1, 65535}));
  for (const std::string text : {"", "-", "0", "65536", "53-", "-53", "0-53", "53-65536", "54-53", "a", "5 3", "1-2-3"})
    EXPECT_FALSE(parse_port_range(text)) << text;
}

TEST(Ports, SuggestsWhatWasMeant) {
  EXPECT_EQ(parse_port_range("5399-5300").error().nearest, "5300-5399");
  EXPECT_EQ(parse_port_range("5300:5399").error().nearest, "5300-5399");
  EXPECT_EQ(parse_port_range(" 5300 - 5399 ").error().nearest, "5300-5399");
}

TEST(Interface, NamesAndPrefixes) {
  for (const std::string text : {"e", "eth0", "eth*", "br-lan", "eth0.100", "wg_office", "fifteen-letters", "a@b"})
    EXPECT_TRUE(parse_interface(text)) << text;
  for (const std::string text : {"", "*", "+", ".", "..", "sixteen--letters", "a/b", "a b", "a\"b", "a'b", "a\\b",
                                 "a:b", "a\tb", "e*h", "**", "eth?", "eth[0]", "a\x7f", "caf\xc3\xa9"})
    EXPECT_FALSE(parse_interface(text)) << text;
}

TEST(Interface, ErrorSaysThatOnlyPrefixesAreKnown) {
  EXPECT_NE(parse_interface("e*h").error().expected.find("only prefixes"), std::string::npos);
  EXPECT_EQ(parse_interface("eth+").error().nearest, "eth*");
}

TEST(User, NamesComeFromTheUserDatabase) {
  EXPECT_EQ(parse_user_name("root"), 0U);
  EXPECT_EQ(parse_user_name("rot").error().nearest, "root");
  EXPECT_FALSE(parse_user_name(""));
  EXPECT_FALSE(parse_user_name(std::string_view("root\0x", 6)));
  EXPECT_FALSE(parse_user_name(std::string(100000, 'a')));
}

TEST(RuleName, CharactersAndLength) {
  EXPECT_TRUE(parse_rule_name("A-z_0.9"));
  EXPECT_TRUE(parse_rule_name(std::string(64, 'a')));
  EXPECT_FALSE(parse_rule_name(""));
  EXPECT_FALSE(parse_rule_name(std::string(65, 'a')));
  EXPECT_EQ(parse_rule_name("my rule").error().nearest, "my-rule");
}

TEST(NearestWord, DistanceCountsSwapsOnce) {
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance("gaet", "gate"), 1U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
}

TEST(NearestWord, WithinTwoEditsOrAThirdOfTheLength) {
  EXPECT_EQ(nearest_word("gaet", {"gate", "pass"}), "gate");
  EXPECT_EQ(nearest_word("GATE", {"gate", "pass"}), "gate");
  EXPECT_EQ(nearest_word("hold_per_flow", {"held_per_flow", "held_total"}), "held_per_flow");
  EXPECT_EQ(nearest_word("destinations_port", {"destination_ports"}), "destination_ports");
  EXPECT_EQ(nearest_word("drop", {"gate", "pass"}), "");
  EXPECT_EQ(nearest_word("h", {"s", "m"}), "");
  EXPECT_EQ(nearest_word("", {"a"}), "");
}

TEST(Error, ErrnoTextFollowsTheAction) {
  const auto error = errno_error("bind queue 5380", EPERM);
  EXPECT_EQ(error.value().message, "bind queue 5380: Operation not permitted");
  EXPECT_EQ(error.value().code, ExitCode::system);
}

}  // namespace
}  // namespace ctgate

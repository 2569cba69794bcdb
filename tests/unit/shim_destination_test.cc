// SPDX-License-Identifier: GPL-2.0-or-later
#include "shim/destination.hh"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/un.h>

#include <set>
#include <string>

#include "policy/exempt.hh"
#include "policy/match/match.hh"

namespace ctgate::shim {
namespace {

struct Name {
  sockaddr_storage bytes{};
  socklen_t length = 0;
};

Name name_of(const std::string& text, std::uint16_t port) {
  Name name;
  if (text.find(':') == std::string::npos) {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&name.bytes);
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    EXPECT_EQ(inet_pton(AF_INET, text.c_str(), &v4->sin_addr), 1);
    name.length = sizeof *v4;
  } else {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&name.bytes);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    EXPECT_EQ(inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr), 1);
    name.length = sizeof *v6;
  }
  return name;
}

Destination destination_of(const std::string& text, std::uint16_t port = 53) {
  const Name name = name_of(text, port);
  Destination destination{};
  EXPECT_TRUE(read_destination(&name.bytes, name.length, destination));
  return destination;
}

TEST(ShimDestination, ReadsBothFamilies) {
  const auto v4 = destination_of("192.0.2.1", 5353);
  EXPECT_EQ(v4.family, 4);
  EXPECT_EQ(v4.port, 5353);
  EXPECT_EQ(v4.address[0], 192);
  EXPECT_EQ(v4.address[3], 1);
  EXPECT_EQ(v4.address[4], 0);
  const auto v6 = destination_of("2001:db8::1");
  EXPECT_EQ(v6.family, 6);
  EXPECT_EQ(v6.address[0], 0x20);
  EXPECT_EQ(v6.address[15], 1);
}

TEST(ShimDestination, MappedAddressIsTheIpv4One) {
  EXPECT_EQ(flow_key(1, destination_of("::ffff:192.0.2.1")), flow_key(1, destination_of("192.0.2.1")));
}

TEST(ShimDestination, RefusesOtherFamiliesAndShortNames) {
  Destination destination{};
  sockaddr_un local{};
  local.sun_family = AF_UNIX;
  EXPECT_FALSE(read_destination(&local, sizeof local, destination));
  EXPECT_EQ(fingerprint(&local, sizeof local), 0U);
  const Name v4 = name_of("192.0.2.1", 53);
  EXPECT_FALSE(read_destination(&v4.bytes, v4.length - 1, destination));
  EXPECT_EQ(fingerprint(&v4.bytes, v4.length - 1), 0U);
  const Name v6 = name_of("2001:db8::1", 53);
  EXPECT_FALSE(read_destination(&v6.bytes, 23, destination));
  EXPECT_EQ(fingerprint(&v6.bytes, 23), 0U);
  EXPECT_TRUE(read_destination(&v6.bytes, 24, destination));
  EXPECT_EQ(fingerprint(nullptr, 0), 0U);
}

// The shim exempts what the rule set and `policy match` exempt.
TEST(ShimDestination, ExemptIsWhatThePolicySays) {
  for (const char* text : {"127.0.0.1", "127.255.255.255", "126.0.0.1", "128.0.0.1", "224.0.0.1", "239.255.255.255",
                           "240.0.0.1", "223.255.255.255", "255.255.255.255", "255.255.255.254", "10.0.0.255", "::1",
                           "::2", "ff02::fb", "ff00::", "fe80::1", "fd00::1", "2001:db8::1"}) {
    FlowFacts facts;
    facts.destination = *Address::parse(text);
    facts.destination_port = 53;
    facts.source = *Address::parse(facts.destination.family == Family::ipv4 ? "192.0.2.9" : "2001:db8::9");
    EXPECT_EQ(is_exempt(destination_of(text)), match(Policy{}, facts).exempt) << text;
  }
}

TEST(ShimDestination, ExemptIsTheWholeList) {
  for (const auto& [prefix, why] : exempt_destinations) {
    Address last = prefix.network;
    const auto mask = prefix_mask(prefix.length);
    const std::size_t size = last.family == Family::ipv4 ? 4 : 16;
    for (std::size_t i = 0; i < size; ++i) last.bytes[i] |= static_cast<std::uint8_t>(~mask[i]);
    EXPECT_TRUE(is_exempt(destination_of(prefix.network.to_string()))) << prefix.to_string();
    EXPECT_TRUE(is_exempt(destination_of(last.to_string()))) << prefix.to_string();
  }
}

TEST(ShimDestination, NoAddressOrPortIsExempt) {
  EXPECT_TRUE(is_exempt(destination_of("0.0.0.0")));  // this host
  EXPECT_TRUE(is_exempt(destination_of("::")));
  EXPECT_TRUE(is_exempt(destination_of("192.0.2.1", 0)));  // an error of the kernel's to give
}

TEST(ShimDestination, FingerprintsAndKeysTellNeighboursApart) {
  std::set<std::uint32_t> fingerprints;
  std::set<std::uint64_t> keys;
  for (int host = 1; host <= 100; ++host) {
    for (const char* prefix : {"192.0.2.", "198.51.100.", "2001:db8::", "fd00:"}) {
      for (const std::uint16_t port :
           {std::uint16_t{53}, std::uint16_t{54}, std::uint16_t{443}, std::uint16_t{65535}}) {
        const std::string text = std::string(prefix) + std::to_string(host) + (prefix[1] == 'd' ? "::7" : "");
        const Name name = name_of(text, port);
        fingerprints.insert(fingerprint(&name.bytes, name.length));
        for (const std::uint32_t socket : {1U, 2U}) keys.insert(flow_key(socket, destination_of(text, port)));
      }
    }
  }
  EXPECT_EQ(fingerprints.size(), 1600U);
  EXPECT_EQ(keys.size(), 3200U);
  EXPECT_FALSE(fingerprints.contains(0));
  EXPECT_FALSE(fingerprints.contains(connected_fingerprint));
}

}  // namespace
}  // namespace ctgate::shim

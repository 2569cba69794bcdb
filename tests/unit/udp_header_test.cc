// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/netlink/udp_header.hh"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace ctgate::netlink {
namespace {

using Packet = std::vector<std::uint8_t>;

std::optional<FlowKey> parse(const Packet& packet) {
  return parse_udp_flow(std::as_bytes(std::span(packet)));
}

const Packet udp_header{0x30, 0x39, 0x00, 0x35, 0x00, 0x0c, 0, 0, 'd', 'a', 't', 'a'};  // 12345 -> 53, length 12

Packet operator+(Packet a, const Packet& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Packet ipv4(std::uint8_t words, std::uint16_t total, std::uint16_t fragment, std::uint8_t protocol) {
  Packet header{static_cast<std::uint8_t>(0x40 | words),
                0,
                static_cast<std::uint8_t>(total >> 8),
                static_cast<std::uint8_t>(total),
                0,
                1,
                static_cast<std::uint8_t>(fragment >> 8),
                static_cast<std::uint8_t>(fragment),
                64,
                protocol,
                0,
                0,
                10,
                0,
                0,
                1,
                192,
                0,
                2,
                1};
  header.resize(words > 5 ? words * 4U : 20U, 1);  // no-operation options
  return header;
}

Packet ipv6(std::uint16_t payload, std::uint8_t next) {
  Packet header{0x60, 0, 0, 0, static_cast<std::uint8_t>(payload >> 8), static_cast<std::uint8_t>(payload), next, 64};
  header.resize(40, 0);
  header[8] = 0xfd;
  header[23] = 1;
  header[24] = 0xfd;
  header[39] = 2;
  return header;
}

TEST(UdpHeader, Ipv4) {
  const auto flow = parse(ipv4(5, 32, 0, 17) + udp_header);
  ASSERT_TRUE(flow);
  EXPECT_EQ(flow->source.to_string(), "10.0.0.1");
  EXPECT_EQ(flow->destination.to_string(), "192.0.2.1");
  EXPECT_EQ(flow->source_port, 12345);
  EXPECT_EQ(flow->destination_port, 53);
}

TEST(UdpHeader, Ipv4WithOptions) {
  EXPECT_TRUE(parse(ipv4(15, 72, 0, 17) + udp_header));
}

TEST(UdpHeader, FirstFragmentHasPortsLaterOnesDoNot) {
  EXPECT_TRUE(parse(ipv4(5, 32, 0x2000, 17) + udp_header));  // more fragments, offset 0
  EXPECT_FALSE(parse(ipv4(5, 32, 0x2001, 17) + udp_header));
  EXPECT_FALSE(parse(ipv4(5, 32, 0x0001, 17) + udp_header));
}

TEST(UdpHeader, LyingLengthsOfIpv4) {
  EXPECT_FALSE(parse(ipv4(4, 32, 0, 17) + udp_header));   // header shorter than a header
  EXPECT_FALSE(parse(ipv4(5, 27, 0, 17) + udp_header));   // no room for a UDP header
  EXPECT_FALSE(parse(ipv4(15, 60, 0, 17) + udp_header));  // options take all
  Packet short_udp = udp_header;
  short_udp[5] = 7;
  EXPECT_FALSE(parse(ipv4(5, 32, 0, 17) + short_udp));
}

TEST(UdpHeader, OtherProtocolsAndVersions) {
  EXPECT_FALSE(parse(ipv4(5, 32, 0, 6) + udp_header));
  EXPECT_FALSE(parse(ipv6(12, 58) + udp_header));
  Packet version5 = ipv4(5, 32, 0, 17) + udp_header;
  version5[0] = 0x55;
  EXPECT_FALSE(parse(version5));
  EXPECT_FALSE(parse({}));
}

TEST(UdpHeader, Ipv6) {
  const auto flow = parse(ipv6(12, 17) + udp_header);
  ASSERT_TRUE(flow);
  EXPECT_EQ(flow->family(), Family::ipv6);
  EXPECT_EQ(flow->source.to_string(), "fd00::1");
  EXPECT_EQ(flow->destination.to_string(), "fd00::2");
  EXPECT_EQ(flow->destination_port, 53);
}

TEST(UdpHeader, Ipv6ExtensionHeaders) {
  const Packet hop_by_hop{60, 0, 1, 4, 0, 0, 0, 0};                            // next: destination options
  const Packet destination{43, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};  // 16 bytes, next: routing
  const Packet routing{44, 0, 0, 0, 0, 0, 0, 0};                               // next: fragment
  const Packet fragment{51, 0, 0, 1, 0, 0, 0, 9};                              // first fragment, next: authentication
  const Packet authentication{17, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};            // (1 + 2) * 4 bytes
  const auto flow = parse(ipv6(64, 0) + hop_by_hop + destination + routing + fragment + authentication + udp_header);
  ASSERT_TRUE(flow);
  EXPECT_EQ(flow->source_port, 12345);
}

TEST(UdpHeader, LaterIpv6Fragment) {
  const Packet later{17, 0, 0, 8, 0, 0, 0, 9};  // offset 1
  EXPECT_FALSE(parse(ipv6(20, 44) + later + udp_header));
}

TEST(UdpHeader, Ipv6ExtensionThatReachesBeyondTheEnd) {
  const Packet huge{17, 255, 1, 4, 0, 0, 0, 0};
  EXPECT_FALSE(parse(ipv6(20, 0) + huge + udp_header));
}

TEST(UdpHeader, NoNextHeaderAndEncryptedPayload) {
  EXPECT_FALSE(parse(ipv6(12, 59) + udp_header));
  EXPECT_FALSE(parse(ipv6(12, 50) + udp_header));
}

TEST(UdpHeader, LyingPayloadLengthOfIpv6) {
  EXPECT_FALSE(parse(ipv6(7, 17) + udp_header));
  EXPECT_TRUE(parse(ipv6(0, 17) + udp_header));  // jumbogram
}

TEST(UdpHeader, CutOffAnywhereIsNoFlowOrTheSameFlow) {
  for (const Packet& whole : {ipv4(6, 36, 0, 17) + udp_header, ipv6(12, 17) + udp_header}) {
    const std::size_t needed = whole.size() - 4;  // up to the end of the UDP header
    for (std::size_t length = 0; length <= whole.size(); ++length) {
      // A copy of its own, so that a sanitizer sees a read beyond the end.
      const Packet cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
      EXPECT_EQ(parse(cut).has_value(), length >= needed) << length;
    }
  }
}

TEST(UdpHeader, RandomBytesDoNoHarm) {
  std::mt19937 random(7);
  for (int i = 0; i < 200'000; ++i) {
    Packet packet(random() % 129);
    for (auto& byte : packet) byte = static_cast<std::uint8_t>(random());
    if (!packet.empty()) packet[0] = static_cast<std::uint8_t>((i % 2 ? 0x40 : 0x60) | (packet[0] & 15));
    if (const auto flow = parse(packet)) {
      EXPECT_GE(packet.size(), 28U);
    }
  }
}

}  // namespace
}  // namespace ctgate::netlink

// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/lab/arrival.hh"

#include <gtest/gtest.h>

namespace ctgate::lab {
namespace {

const Address client = Address::parse("10.99.1.2").value();
const Address backend0 = Address::parse("10.99.2.2").value();
const Address backend1 = Address::parse("10.99.2.3").value();

Arrival arrival(std::uint32_t flow, std::uint32_t index, std::uint16_t port = 1000, const Address& backend = backend0) {
  return {{flow, index}, {client, port}, backend};
}

TEST(LabArrival, AMarkSurvivesEncoding) {
  const DatagramMark mark{0x01020304, 7};
  EXPECT_EQ(decode_mark(encode(mark)), mark);
}

TEST(LabArrival, ForeignOrShortPayloadIsNoMark) {
  EXPECT_EQ(decode_mark({}), std::nullopt);
  auto bytes = encode({1, 2});
  EXPECT_EQ(decode_mark(std::span(bytes).first(mark_size - 1)), std::nullopt);
  bytes[0] ^= 1;
  EXPECT_EQ(decode_mark(bytes), std::nullopt);
}

TEST(LabArrival, WholeFlowsInOrderAreClean) {
  const auto summary = summarize(std::vector{arrival(0, 0), arrival(1, 0, 2000), arrival(0, 1), arrival(1, 1, 2000)});
  EXPECT_EQ(summary.delivered, 4U);
  EXPECT_EQ(summary.split_flows, 0U);
  EXPECT_EQ(summary.out_of_order_flows, 0U);
}

TEST(LabArrival, AnotherSourcePortIsASplitCountedOnce) {
  EXPECT_EQ(summarize(std::vector{arrival(0, 0), arrival(0, 1, 1001), arrival(0, 2, 1002)}).split_flows, 1U);
}

TEST(LabArrival, AnotherBackendIsASplit) {
  EXPECT_EQ(summarize(std::vector{arrival(0, 0), arrival(0, 1, 1000, backend1)}).split_flows, 1U);
}

TEST(LabArrival, OvertakenDatagramsAreCounted) {
  const auto summary = summarize(std::vector{arrival(0, 0), arrival(0, 3), arrival(0, 1), arrival(0, 2)});
  EXPECT_EQ(summary.out_of_order_flows, 1U);
  EXPECT_EQ(summary.overtaken, 2U);
}

TEST(LabArrival, ALostDatagramIsNoDisorder) {
  EXPECT_EQ(summarize(std::vector{arrival(0, 0), arrival(0, 2)}).out_of_order_flows, 0U);
}

}  // namespace
}  // namespace ctgate::lab

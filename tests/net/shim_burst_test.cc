// SPDX-License-Identifier: GPL-2.0-or-later
// Every way to send under the preload library: the damage without it, none with it.
#include <fmt/format.h>

#include <tuple>

#include "tests/support/shim_test.hh"

namespace ctgate::test {
namespace {

using namespace std::chrono_literals;

struct Way {
  const char* call;
  bool connected;
  const char* family;  // 4, 6 or mapped
  const char* mode;    // blocking, epoll or threads
};

std::string name_of(const Way& way) {
  return fmt::format("{}_{}_{}_{}", way.call, way.connected ? "connected" : "unconnected", way.family, way.mode);
}

void PrintTo(const Way& way, std::ostream* stream) {
  *stream << name_of(way);
}

std::vector<Way> all_ways() {
  std::vector<Way> ways;
  for (const char* family : {"4", "6", "mapped"}) {
    for (const char* mode : {"blocking", "epoll", "threads"}) {
      for (const char* call : {"send", "sendto", "sendmsg", "sendmmsg", "write", "writev"}) {
        const std::string word = call;
        if (word == "sendmmsg" && std::string(mode) == "threads") continue;  // sends all from one call
        ways.push_back({call, true, family, mode});
        if (word == "sendto" || word == "sendmsg" || word == "sendmmsg") ways.push_back({call, false, family, mode});
      }
    }
  }
  return ways;
}

class ShimBurst : public ShimTest, public ::testing::WithParamInterface<Way> {};

TEST_P(ShimBurst, SplitsWithoutAndStaysWholeWith) {
  const Way way = GetParam();
  const Family family = std::string(way.family) == "6" ? Family::ipv6 : Family::ipv4;
  set_up_delayed_output(family);
  const std::vector<std::string> burst{SHIM_BURST,
                                       fmt::format("call={}", way.call),
                                       fmt::format("connected={}", way.connected ? 1 : 0),
                                       fmt::format("family={}", way.family),
                                       fmt::format("mode={}", way.mode),
                                       "flows=8",
                                       "address=" + service(family)};
  const auto without = run(burst, {.preload = false});
  ASSERT_EQ(without.exit_status, 0) << without.errors;
  const auto damage = take_damage();
  EXPECT_GT(damage.clashes, 0U);
  EXPECT_GT(damage.arrivals.split_flows, 0U);

  const auto with = run(burst);
  EXPECT_EQ(with.exit_status, 0) << with.errors;
  EXPECT_EQ(with.errors, "");
  const auto cured = take_damage();
  EXPECT_EQ(cured.clashes, 0U);
  EXPECT_EQ(cured.arrivals.split_flows, 0U);
  EXPECT_EQ(cured.arrivals.delivered, 32U);
  EXPECT_EQ(value(with, "answered"), 32);
  // Two threads have no order between them.
  if (std::string(way.mode) != "threads") {
    EXPECT_EQ(cured.arrivals.out_of_order_flows, 0U);
  }
}

// A consumer at the last stop before conntrack confirms, where a datagram has its route and its addresses.
TEST_F(ShimTest, BurstThroughAConsumerInPostrouting) {
  serve({.port = server_port});
  nat(lab::nat::dnat_to_backends(Family::ipv4, true));
  third_party({.delay = 5ms}, {.hook = lab::ThirdPartyRule::Hook::postrouting});
  const std::vector<std::string> burst{SHIM_BURST, "call=sendmsg", "flows=8", "address=" + service()};
  ASSERT_EQ(run(burst, {.preload = false}).exit_status, 0);
  const auto damage = take_damage(32);
  EXPECT_GT(damage.clashes, 0U);
  EXPECT_GT(damage.arrivals.split_flows, 0U);

  ASSERT_EQ(run(burst).exit_status, 0);
  const auto cured = take_damage(32);
  EXPECT_EQ(cured.clashes, 0U);
  EXPECT_EQ(cured.arrivals.split_flows, 0U);
  EXPECT_EQ(cured.arrivals.out_of_order_flows, 0U);
  EXPECT_EQ(cured.arrivals.delivered, 32U);
}

INSTANTIATE_TEST_SUITE_P(Ways, ShimBurst, ::testing::ValuesIn(all_ways()),
                         [](const auto& way) { return name_of(way.param); });

}  // namespace
}  // namespace ctgate::test

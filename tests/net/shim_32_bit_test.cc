// SPDX-License-Identifier: GPL-2.0-or-later
// 32-bit programs, with the library of their word size: with 32-bit time, and with 64-bit time, which calls
// __sendmsg64() and __sendmmsg64().
#include <fmt/format.h>

#include "tests/support/shim_test.hh"

namespace ctgate::test {
namespace {

struct Case {
  const char* program;  // empty: could not be built here
  const char* call;
};

void PrintTo(const Case& one, std::ostream* stream) {
  *stream << one.call << (std::string(one.program).find("time64") == std::string::npos ? "" : " with 64-bit time");
}

class Shim32Bit : public ShimTest, public ::testing::WithParamInterface<Case> {};

TEST_P(Shim32Bit, SplitsWithoutAndStaysWholeWith) {
  const auto [program, call] = GetParam();
  if (std::string(program).empty()) GTEST_SKIP() << "this compiler makes no 32-bit programs";
  set_up_delayed_output();
  const std::vector<std::string> burst{program, fmt::format("call={}", call), "flows=8", "connected=0",
                                       "address=" + service()};
  EXPECT_EQ(run(burst, {.preload = false}).exit_status, 0);
  EXPECT_GT(take_damage().clashes, 0U);
  const auto with = run(burst, {.preload = false, .environment = {"LD_PRELOAD=" SHIM_LIBRARY_32}});
  EXPECT_EQ(with.exit_status, 0);
  EXPECT_EQ(with.errors, "");
  const auto cured = take_damage();
  EXPECT_EQ(cured.clashes, 0U);
  EXPECT_EQ(cured.arrivals.split_flows, 0U);
  EXPECT_EQ(cured.arrivals.delivered, 32U);
}

INSTANTIATE_TEST_SUITE_P(Calls, Shim32Bit,
                         ::testing::Values(Case{SHIM_BURST_32, "sendto"}, Case{SHIM_BURST_32, "sendmsg"},
                                           Case{SHIM_BURST_32, "sendmmsg"}, Case{SHIM_BURST_32_TIME64, "sendmsg"},
                                           Case{SHIM_BURST_32_TIME64, "sendmmsg"}));

}  // namespace
}  // namespace ctgate::test

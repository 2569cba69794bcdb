// SPDX-License-Identifier: GPL-2.0-or-later
// The demo's scenarios, each without ctgated first, to see the damage, and then with it, to see none.
#include <gtest/gtest.h>

#include <sys/utsname.h>

#include <cstdio>

#include "daemon/lab/demo.hh"
#include "daemon/lab/scenario.hh"
#include "tests/support/gateway_test.hh"

namespace ctgate {
namespace {

using test::must;

// On kernels up to 6.11 nfnetlink_queue itself resolves the race, so nothing is to be seen without ctgated there.
bool kernel_splits_flows(const std::string& release) {
  int major = 0, minor = 0;
  return std::sscanf(release.c_str(), "%d.%d", &major, &minor) == 2 && (major > 6 || (major == 6 && minor >= 12));
}

class Scenarios : public ::testing::TestWithParam<lab::Scenario> {};

TEST_P(Scenarios, DamagedWithoutAndWholeWith) {
  const lab::Scenario& scenario = GetParam();
  for (const auto& skipped : lab::skipped_scenarios()) {
    ASSERT_NE(skipped.name, scenario.name) << skipped.reason;
  }
  const auto without = must(lab::run_scenario(scenario, {}, false));
  utsname system{};
  uname(&system);
  const bool visible = scenario.nat == lab::Nat::masquerade_fully_random || scenario.nat == lab::Nat::dnat_two_backends;
  if (visible && kernel_splits_flows(system.release)) {
    EXPECT_GT(without.split_flows, 0U);
    EXPECT_GT(without.clash_resolve, 0U);
  }
  if (scenario.answer_delay > std::chrono::seconds(1) && kernel_splits_flows(system.release)) {
    EXPECT_GT(without.lost, 0U);
  }

  const auto with = must(lab::run_scenario(scenario, {}, true));
  EXPECT_EQ(with.flows, without.flows);
  EXPECT_EQ(with.lost, 0U);
  EXPECT_EQ(with.split_flows, 0U);
  EXPECT_EQ(with.out_of_order_flows, 0U);
  EXPECT_EQ(with.clash_resolve, 0U);
  EXPECT_EQ(with.insert_failed, 0U);
  EXPECT_GT(with.held, 0U);
}

INSTANTIATE_TEST_SUITE_P(Demo, Scenarios, ::testing::ValuesIn(lab::scenarios().begin(), lab::scenarios().end()),
                         [](const auto& parameter) {
                           std::string name(parameter.param.name);
                           std::erase(name, '-');
                           return name;
                         });

}  // namespace
}  // namespace ctgate

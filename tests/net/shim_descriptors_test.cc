// SPDX-License-Identifier: GPL-2.0-or-later
// The preload library and descriptors that no longer refer to what they did.
#include "tests/support/shim_test.hh"

namespace ctgate::test {
namespace {

class ShimDescriptors : public ShimTest {
 protected:
  static std::vector<std::string> program(const char* name) { return {SHIM_DESCRIPTORS, name, service()}; }
};

TEST_F(ShimDescriptors, EverythingClosedByCloseRange) {
  set_up_delayed_output();
  const auto without = run(program("close-everything"), {.preload = false});
  ASSERT_EQ(without.exit_status, 0);
  EXPECT_GT(take_damage(60).clashes, 0U);
  const auto with = run(program("close-everything"));  // has no descriptor left to say anything
  EXPECT_EQ(with.exit_status, 0);
  const auto cured = take_damage(60);
  EXPECT_EQ(cured.clashes, 0U);
  EXPECT_EQ(cured.arrivals.split_flows, 0U);
  EXPECT_EQ(cured.arrivals.delivered, 60U);
}

TEST_F(ShimDescriptors, NumberTakenAgainAfterClose) {
  set_up_delayed_output();
  expect_cured(program("reuse"));
}

TEST_F(ShimDescriptors, NumberTakenAgainByDup2) {
  set_up_delayed_output();
  expect_cured(program("dup2"));
}

TEST_F(ShimDescriptors, NumbersBeyondTheTable) {
  set_up_delayed_output();
  expect_cured(program("high-numbers"));
}

TEST_F(ShimDescriptors, OtherFilesInPlaceOfAUdpSocket) {
  set_up_delayed_output();
  const auto result = run(program("other-files"));
  EXPECT_EQ(result.exit_status, 0) << result.errors;
  EXPECT_EQ(result.errors, "");
  EXPECT_EQ(take_damage(18).arrivals.delivered, 18U);
}

TEST_F(ShimDescriptors, SocketPassedToAnotherProcess) {
  set_up_delayed_output();
  expect_cured(program("passed"));
}

// Without an address nothing says that this descriptor is a UDP socket, and nobody is asked: seccomp filters kill.
TEST_F(ShimDescriptors, ConnectedSocketPassedToAnotherProcessIsNotGated) {
  set_up_delayed_output();
  expect_delivered(program("passed-connected"));
}

}  // namespace
}  // namespace ctgate::test

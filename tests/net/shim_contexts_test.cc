// SPDX-License-Identifier: GPL-2.0-or-later
// The preload library where others hang or crash: children, signal handlers, cancelled threads.
#include "tests/support/shim_test.hh"

namespace ctgate::test {
namespace {

using namespace std::chrono_literals;

constexpr long max_wait = 100'000;  // us, the default
constexpr long slack = 100'000;     // us, for a busy machine

class ShimContexts : public ShimTest {
 protected:
  static std::vector<std::string> program(const char* path, const char* name) { return {path, name, service()}; }
};

TEST_F(ShimContexts, ForkWhileAnotherThreadSends) {
  set_up_delayed_output();
  expect_cured(program(SHIM_CONTEXTS, "fork"));
}

TEST_F(ShimContexts, VforkChildSends) {
  set_up_delayed_output();
  expect_cured(program(SHIM_CONTEXTS, "vfork"));
}

TEST_F(ShimContexts, SignalHandlerSendsDuringAWait) {
  set_up_delayed_output();
  expect_cured(program(SHIM_CONTEXTS, "signal-waiting"));
}

// Its own thread's leader can't go on as long as the handler runs, so the handler waits for nothing.
TEST_F(ShimContexts, SignalHandlerSendsDuringTheSystemCall) {
  set_up_delayed_output(Family::ipv4, 200ms);
  const auto result = expect_delivered(program(SHIM_CONTEXTS, "signal-inside"));
  EXPECT_LT(value(result, "in_handler_us"), max_wait / 2);
}

TEST_F(ShimContexts, SignalInsideAtforkHandlers) {
  set_up_delayed_output();
  expect_cured(program(SHIM_CONTEXTS, "signal-atfork"));
}

// The wait itself is no cancellation point, the system call behind it is; the datagram is not sent.
TEST_F(ShimContexts, ThreadCancelledDuringAWait) {
  set_up_delayed_output(Family::ipv4, 50ms);
  const auto result = run(program(SHIM_CANCEL, "waiting"));
  EXPECT_EQ(result.exit_status, 0) << result.errors;
  EXPECT_EQ(result.errors, "");
  EXPECT_LT(value(result, "join_us"), max_wait + slack);
  EXPECT_LT(value(result, "next_us"), max_wait + slack);
  EXPECT_EQ(take_damage(2).arrivals.delivered, 2U);
}

// What it leaves behind is a leader that nobody sends any more.
TEST_F(ShimContexts, ThreadCancelledInsideTheSystemCall) {
  set_up_delayed_output(Family::ipv4, 200ms);
  const auto result = run(program(SHIM_CANCEL, "inside"));
  EXPECT_EQ(result.exit_status, 0) << result.errors;
  EXPECT_EQ(result.errors, "");
  EXPECT_LT(value(result, "join_us"), slack);
  EXPECT_LT(value(result, "next_us"), max_wait + slack);
  EXPECT_EQ(take_damage(1).arrivals.delivered, 1U);
}

}  // namespace
}  // namespace ctgate::test

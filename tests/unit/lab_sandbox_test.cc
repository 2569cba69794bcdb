// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/lab/sandbox.hh"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>

#include "policy/base/process.hh"

namespace ctgate::lab {
namespace {

TEST(Sandbox, LeavesSignalsAsTheyWereWhereItIsRefused) {
  auto process = Process::call([] {
    [[maybe_unused]] const int had_none = ::setuid(65534);  // no privileges from here on
    const auto refused = run_isolated([] { return 0; });
    sigset_t blocked;
    ::sigprocmask(SIG_BLOCK, nullptr, &blocked);
    return !refused && sigismember(&blocked, SIGTERM) == 0 && sigismember(&blocked, SIGCHLD) == 0 ? 0 : 1;
  });
  ASSERT_TRUE(process) << process.error().message;
  EXPECT_EQ(process->wait(), 0);
}

}  // namespace
}  // namespace ctgate::lab

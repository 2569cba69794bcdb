// SPDX-License-Identifier: GPL-2.0-or-later
// main() of the net tests: the whole program runs in its own sandbox, so that nothing stays behind, whatever happens to
// it.
#include <gtest/gtest.h>

#include <cstdio>

#include "daemon/lab/sandbox.hh"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (GTEST_FLAG_GET(list_tests)) return RUN_ALL_TESTS();
  if (const auto allowed = ctgate::lab::check_privileges(); !allowed) {
    std::fprintf(stderr, "net tests: %s\n", allowed.error().message.c_str());
    return 1;
  }
  const auto result = ctgate::lab::run_isolated([] { return RUN_ALL_TESTS(); });
  if (result) return *result;
  std::fprintf(stderr, "net tests: %s\n", result.error().message.c_str());
  return 1;
}

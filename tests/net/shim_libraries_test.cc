// SPDX-License-Identifier: GPL-2.0-or-later
// The preload library together with other libraries: constructors, allocators, plug-ins, seccomp filters.
#include "tests/support/shim_test.hh"

namespace ctgate::test {
namespace {

using namespace std::chrono_literals;

class ShimLibraries : public ShimTest {
 protected:
  static std::vector<std::string> linked(const char* name) { return {SHIM_LINKED, name, service()}; }
  static std::vector<std::string> burst() { return {SHIM_BURST, "flows=5", "address=" + service()}; }
  static std::string target() { return "SHIM_TARGET=" + service(); }

  // Both orders; in the second one the other library comes first in the search.
  static std::vector<std::string> both_orders(const std::string& other) {
    return {library() + ":" + other, other + ":" + library()};
  }
};

// It runs before the library's own: hooks are plain system calls then, and its flows are not gated.
TEST_F(ShimLibraries, ConstructorOfALinkedLibrarySends) {
  set_up_delayed_output();
  const auto result = run(linked("linked"), {.environment = {target()}});
  EXPECT_EQ(result.exit_status, 0) << result.errors;
  EXPECT_EQ(result.errors, "");
  const auto damage = take_damage(30);
  EXPECT_EQ(damage.arrivals.delivered, 30U);
  EXPECT_LE(damage.arrivals.split_flows, 5U) << "those of the constructor, and no others";
}

TEST_F(ShimLibraries, ConstructorOfAPreloadedLibrarySends) {
  set_up_delayed_output();
  for (const auto& libraries : both_orders(SHIM_EARLY)) {
    const auto result = run(burst(), {.libraries = libraries, .environment = {target()}});
    EXPECT_EQ(result.exit_status, 0) << result.errors;
    EXPECT_EQ(result.errors, "");
    EXPECT_EQ(value(result, "answered"), 20);
    const auto damage = take_damage(35);
    EXPECT_EQ(damage.arrivals.delivered, 35U);
    EXPECT_LE(damage.arrivals.split_flows, 5U) << libraries;
  }
}

TEST_F(ShimLibraries, AllocatorThatSends) {
  set_up_delayed_output();
  for (const auto& libraries : both_orders(SHIM_HOSTILE_MALLOC)) {
    const auto seen = consumer->packets_seen();
    const auto result = run(burst(), {.libraries = libraries});
    EXPECT_EQ(result.exit_status, 0) << result.errors;
    EXPECT_EQ(result.errors, "");
    EXPECT_EQ(value(result, "answered"), 20);
    const auto damage = take_damage(20);
    EXPECT_EQ(damage.arrivals.delivered, 20U);
    EXPECT_EQ(damage.arrivals.split_flows, 0U) << libraries;
    EXPECT_GT(consumer->packets_seen() - seen, 30U) << "the allocator did not send";
  }
}

TEST_F(ShimLibraries, Jemalloc) {
  const std::string jemalloc = "libjemalloc.so.2";
  const auto probe = run({"true"}, {.libraries = jemalloc});
  if (probe.errors.find("cannot be preloaded") != std::string::npos) GTEST_SKIP() << "there is no " << jemalloc;
  set_up_delayed_output();
  for (const auto& libraries : both_orders(jemalloc)) {
    const auto result = run(burst(), {.libraries = libraries});
    EXPECT_EQ(result.exit_status, 0) << result.errors;
    EXPECT_EQ(result.errors, "");
    const auto damage = take_damage(20);
    EXPECT_EQ(damage.arrivals.delivered, 20U);
    EXPECT_EQ(damage.clashes, 0U);
  }
}

TEST_F(ShimLibraries, PluginIsGated) {
  set_up_delayed_output();
  expect_cured(linked("plugin"));
}

// RTLD_DEEPBIND looks in libc before it looks here.
TEST_F(ShimLibraries, PluginWithItsOwnScopeIsNotGated) {
  set_up_delayed_output();
  expect_delivered(linked("deep-plugin"));
}

// Compare tests/shim/library_test.cc.
TEST_F(ShimLibraries, NamedVersionWouldNotInterpose) {
  set_up_delayed_output();
  const auto result = run(burst(), {.libraries = SHIM_NAMED});
  EXPECT_EQ(result.exit_status, 0) << result.errors;
  EXPECT_EQ(result.errors, "");
  EXPECT_GT(take_damage(20).clashes, 0U);
}

class ShimSandboxed : public ShimTest {
 protected:
  static std::vector<std::string> sandboxed(const char* name) { return {SHIM_SANDBOXED, name, service()}; }
};

TEST_F(ShimSandboxed, RefusedQuestionsDoNotDelay) {
  set_up_delayed_output(Family::ipv4, 50ms);
  for (const char* name : {"eperm", "enosys"}) {
    const auto result = expect_delivered(sandboxed(name));
    EXPECT_LT(value(result, "longest_us"), 40'000) << name;
  }
}

// The rule that descriptor_table.hh states: nobody asks about what was not made by socket(2) as a UDP socket.
TEST_F(ShimSandboxed, DeadlyQuestionsAreNotAsked) {
  const auto control = run(sandboxed("control"));
  ASSERT_EQ(control.exit_status, 128 + SIGSYS);
  const auto result = run(sandboxed("no-udp"));
  EXPECT_EQ(result.exit_status, 0) << result.errors;
  EXPECT_EQ(result.errors, "");
}

TEST_F(ShimSandboxed, AVforkChildIsNoneOfItsParentsBusiness) {
  set_up_delayed_output();
  for (const char* name : {"vfork", "vfork-of-copy"}) expect_cured(sandboxed(name));
}

TEST_F(ShimSandboxed, ACopyOfTheProcessIsLeftAloneAndTheProcessIsNot) {
  set_up_delayed_output();
  for (const char* name : {"fork", "clone"}) {
    expect_delivered(sandboxed(name));
    EXPECT_LE(damage_of_last_run.arrivals.split_flows, 1U) << "that of the child, and no other of " << name;
  }
}

}  // namespace
}  // namespace ctgate::test

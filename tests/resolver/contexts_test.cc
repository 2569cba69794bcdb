// SPDX-License-Identifier: GPL-2.0-or-later
// getaddrinfo(3) with the library in threads, forks, signals and cancelled threads, and very often.
#include <string_view>

#include "policy/base/find_program.hh"
#include "tests/resolver/resolver_test.hh"

namespace ctgate::test {
namespace {

using namespace std::chrono_literals;

class Contexts : public ResolverTest, public ::testing::WithParamInterface<Way> {
 protected:
  void SetUp() override {
    const std::vector<Address> addresses{*Address::parse("192.0.2.1"), *Address::parse("2001:db8::1")};
    dns::Zone zone;
    zone.add("*.pair.test", {addresses}).add("silent.test", {.addresses = addresses, .trick_a = dns::Trick::silence});
    for (int i = 0; i < 20; ++i) {
      zone.add("slow" + std::to_string(i) + ".pair.test", {.addresses = addresses, .delay = 10ms});
      zone.add("late" + std::to_string(i) + ".pair.test", {.addresses = addresses, .delay = 300ms});
    }
    // What the program's case "mixed" asks for.
    zone.add("*.v4.test", {{addresses[0]}}).add("*.alias.test", {.addresses = {}, .alias = "target.pair.test"});
    zone.add("*.stream.test",
             {.addresses = addresses, .trick_a = dns::Trick::truncated, .trick_aaaa = dns::Trick::truncated});
    zone.add("*.nodata.test", {{}});
    zone.add("*.failing.test",
             {.addresses = addresses, .rcode_a = dns::Rcode::server_failure, .rcode_aaaa = dns::Rcode::server_failure});
    serve_zone(zone);
  }
  RunResult in(const std::string& name, long count = 1) {
    auto result = run({RESOLVE_CONTEXTS, name, std::to_string(count)}, options(GetParam()));
    EXPECT_EQ(result.exit_status, 0) << result.errors;
    EXPECT_EQ(result.errors, "");
    return result;
  }
  static bool uses_c_ares() { return GetParam() == Way::ours_c_ares || GetParam() == Way::ours_automatic; }
};

TEST_P(Contexts, ManyThreadsWhileOthersFork) {
  const auto result = in("threads", 10);
  EXPECT_EQ(value(result, "lookups"), 1000);
  EXPECT_EQ(value(result, "failed"), 0);
  EXPECT_EQ(value(result, "failed_children"), 0);
}

TEST_P(Contexts, TenThousandLookupsLeaveNothingBehind) {
  const auto result = in("many", 10'000);
  EXPECT_EQ(value(result, "failed"), 0);
  EXPECT_LT(value(result, "more_kilobytes"), 512);
  EXPECT_EQ(value(result, "more_descriptors"), 0);
  EXPECT_EQ(value(result, "threads"), 1);
}

TEST_P(Contexts, ProgramsThatNeverResolveLoadNothing) {
  for (const char* name : {"never", "no_pair"}) {
    const auto result = in(name);
    EXPECT_EQ(value(result, "c_ares"), 0) << name;
    EXPECT_EQ(value(result, "resolver"), 0) << name;
  }
}

TEST_P(Contexts, TheFirstLookupLoadsTheResolver) {
  const auto result = in("once");
  EXPECT_EQ(value(result, "failed"), 0);
  EXPECT_EQ(value(result, "resolver"), uses_c_ares() ? 1 : 0);
}

// Whoever owns the new root directory could have put any library there.
TEST_P(Contexts, AnotherRootDirectoryLendsNoLibrary) {
  const auto result = in("other_root");
  EXPECT_EQ(value(result, "failed"), 0);
  EXPECT_EQ(value(result, "resolver"), 0);
}

TEST_P(Contexts, CancelledThreadsEndAtOnce) {
  const auto result = in("cancelled", 5);
  EXPECT_EQ(value(result, "first"), 0);
  EXPECT_LT(value(result, "longest_ms"), 1000);
  EXPECT_EQ(value(result, "other_ends"), 0);
  // libc's own resolver leaves its socket open (resolv/res_send.c); ours leaves nothing.
  if (uses_c_ares()) {
    EXPECT_EQ(value(result, "more_descriptors"), 0);
  }
  EXPECT_EQ(value(result, "later"), 0);
}

TEST_P(Contexts, ForksInTheMiddleOfALookup) {
  const auto result = in("forked", 4);
  EXPECT_EQ(value(result, "failed"), 0);
  EXPECT_EQ(value(result, "failed_children"), 0);
}

TEST_P(Contexts, SignalsDoNotBreakLookups) {
  const auto result = in("interrupted", 20);
  EXPECT_GT(value(result, "signals"), 10);
  EXPECT_EQ(value(result, "failed"), 0);
}

TEST_P(Contexts, ThreadsWithLittleStack) {
  EXPECT_EQ(value(in("small_stack", 64), "failed"), 0);
}

TEST_P(Contexts, ClosedStandardDescriptorsStayClosed) {
  const auto result = in("closed");
  EXPECT_EQ(value(result, "failed"), 0);
  EXPECT_EQ(value(result, "left_open"), 0);
}

TEST_P(Contexts, ValgrindFindsNothing) {
  if (!find_program("valgrind")) GTEST_SKIP() << "valgrind is not installed";
  const auto result = run_under_valgrind(GetParam(), {RESOLVE_CONTEXTS, "mixed", "10000"});
  EXPECT_EQ(value(result, "lookups"), 10'000);
  EXPECT_EQ(value(result, "failed"), 0);
}

TEST_P(Contexts, SanitizersFindNothing) {
  if (std::string_view(SANITIZED_LIBRARY).empty()) GTEST_SKIP() << "built without a compiler that has the sanitizers";
  auto run_options = options(GetParam(), {"ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=1"});
  run_options.libraries = SANITIZED_LIBRARY;
  run_options.timeout = std::chrono::minutes(2);
  const auto result = run({SANITIZED_PROGRAM, "mixed", "10000"}, run_options);
  EXPECT_EQ(result.exit_status, 0) << result.errors;
  EXPECT_EQ(result.errors, "");
  EXPECT_EQ(value(result, "lookups"), 10'000);
  EXPECT_EQ(value(result, "failed"), 0);
}

// Programs that export a c-ares of another version (node does): ld.so would mix theirs and ours up, so libc resolves.
TEST_P(Contexts, ProgramsWithACAresOfTheirOwn) {
  const auto calls = file_of({cases::plain("name.pair.test").to_line()});
  const auto result = run({RESOLVE_OWN_C_ARES, calls}, options(GetParam(), {"CTGATE_LOG=1"}));
  ASSERT_EQ(result.exit_status, 0) << result.errors;
  EXPECT_EQ(parse_outcomes(result.output).at(0).found.size(), 2U) << result.output;
  if (uses_c_ares()) {
    EXPECT_NE(result.errors.find("has its own c-ares"), std::string::npos) << result.errors;
  }
}

std::string way_name(Way way) {
  constexpr const char* names[] = {"PlainLibc", "Libc", "CAres", "Automatic"};
  return names[static_cast<std::size_t>(way)];
}

INSTANTIATE_TEST_SUITE_P(Ways, Contexts, ::testing::Values(Way::ours_libc, Way::ours_c_ares, Way::ours_automatic),
                         [](const auto& instance) { return way_name(instance.param); });

}  // namespace
}  // namespace ctgate::test

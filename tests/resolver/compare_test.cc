// SPDX-License-Identifier: GPL-2.0-or-later
// The differential test can see: calls and outcomes survive the way to text and back, and every change of an outcome is
// a difference.
#include "tests/resolver/compare.hh"

#include <gtest/gtest.h>
#include <netdb.h>
#include <sys/socket.h>

#include <functional>
#include <set>

#include "tests/resolver/cases.hh"

namespace ctgate::test {
namespace {

Outcome sample() {
  Outcome outcome;
  outcome.time = std::chrono::milliseconds(20);
  outcome.found = {{0, AF_INET6, SOCK_STREAM, 6, "2001:db8::1#80", "name.example"},
                   {0, AF_INET, SOCK_STREAM, 6, "192.0.2.1#80", std::nullopt},
                   {0, AF_INET, SOCK_STREAM, 6, "192.0.2.2#80", std::nullopt}};
  return outcome;
}

TEST(ResolveCalls, LinesOfCallsAreReadAsTheyWereWritten) {
  for (const auto& profile : profiles()) {
    for (const auto& call : profile.calls) {
      EXPECT_EQ(call.to_line().find('\n'), std::string::npos);
      EXPECT_EQ(Call::from_line(call.to_line()), call) << call.to_line();
    }
  }
  for (const char* nonsense : {"", "x", "x\ty", "=a\t=b\t1", "=a\t-\t1\t2\t3\tx", "=%4\t-"}) {
    EXPECT_FALSE(Call::from_line(nonsense)) << nonsense;
  }
}

TEST(ResolveCalls, LinesOfOutcomesAreReadAsTheyWereWritten) {
  auto outcome = sample();
  outcome.found[0].canonical_name = "odd ,;%\tname";
  const auto read = parse_outcomes(outcome.to_line() + "\n-2\t0\t7\n");
  ASSERT_EQ(read.size(), 2U);
  EXPECT_EQ(read[0].found, outcome.found);
  EXPECT_EQ(read[0].time, outcome.time);
  EXPECT_EQ(read[1].code, -2);
  EXPECT_THROW(parse_outcomes("nonsense\n"), std::runtime_error);
}

TEST(Differences, NoneBetweenEqualOutcomes) {
  auto late = sample();
  late.time += std::chrono::milliseconds(900);
  EXPECT_TRUE(differences(sample(), sample()).empty());
  EXPECT_TRUE(differences(sample(), late).empty());
}

TEST(Differences, EveryChangeIsSeen) {
  const std::function<void(Outcome&)> changes[] = {
      [](auto& o) { o.code = EAI_AGAIN; },
      [](auto& o) { o.system_error = 5; },
      [](auto& o) { o.found.pop_back(); },
      [](auto& o) { o.found.push_back(o.found.back()); },
      [](auto& o) { std::swap(o.found[1], o.found[2]); },
      [](auto& o) { o.found[0].canonical_name.reset(); },
      [](auto& o) { o.found[0].canonical_name = "other.example"; },
      [](auto& o) { o.found[1].canonical_name = "name.example"; },
      [](auto& o) { o.found[1].flags = 1; },
      [](auto& o) { o.found[1].socktype = SOCK_DGRAM; },
      [](auto& o) { o.found[1].protocol = 17; },
      [](auto& o) { o.found[1].address = "192.0.2.1#81"; },
      [](auto& o) { o.time += std::chrono::seconds(5); },
  };
  for (const auto& change : changes) {
    auto changed = sample();
    change(changed);
    EXPECT_FALSE(differences(sample(), changed).empty()) << changed.to_line();
  }
}

TEST(Differences, OrderDoesNotCountWhereTheServerRotates) {
  auto changed = sample();
  std::swap(changed.found[1], changed.found[2]);
  EXPECT_TRUE(differences(sample(), changed, true).empty());
  changed.found[1].address = "192.0.2.9#80";
  EXPECT_FALSE(differences(sample(), changed, true).empty());
}

TEST(Cases, AreManyAndEachProfileHasItsName) {
  std::size_t count = 0;
  std::set<std::string> names;
  for (const auto& profile : profiles()) {
    count += profile.calls.size();
    EXPECT_TRUE(names.insert(profile.name).second) << profile.name;
  }
  EXPECT_GE(count, 600U);
  RecordProperty("cases", static_cast<int>(count));
}

}  // namespace
}  // namespace ctgate::test

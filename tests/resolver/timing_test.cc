// SPDX-License-Identifier: GPL-2.0-or-later
// How long lookups take behind a third party with late verdicts, what they send, and what they lose.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

#include "tests/resolver/resolver_test.hh"

namespace ctgate::test {
namespace {

using namespace std::chrono_literals;
using std::chrono::microseconds;

dns::Zone pairs() {
  dns::Zone zone;
  zone.add("*.pair.test", {{*Address::parse("192.0.2.1"), *Address::parse("2001:db8::1")}});
  return zone;
}

class Lookups : public ResolverTest {
 protected:
  // Lookups of names that were not asked for before. Each must give both addresses.
  std::vector<Outcome> look_up(Way way, int count, const std::vector<std::string>& environment = {}) {
    std::vector<Call> calls;
    for (int i = 0; i < count; ++i) calls.push_back(cases::plain(fmt::format("n{}.pair.test", ++names_)));
    auto outcomes = resolve(way, calls, environment);
    EXPECT_EQ(outcomes.size(), calls.size());
    for (const auto& outcome : outcomes) EXPECT_EQ(outcome.found.size(), 2U) << to_string(way);
    return outcomes;
  }
  static microseconds median(std::vector<Outcome> outcomes) {
    std::ranges::sort(outcomes, {}, &Outcome::time);
    return outcomes.at(outcomes.size() / 2).time;
  }
  static microseconds longest(const std::vector<Outcome>& outcomes) {
    return std::ranges::max_element(outcomes, {}, &Outcome::time)->time;
  }

  // What the server was asked since the last call, by name.
  std::map<std::string, std::vector<dns::Asked>> asked() {
    std::map<std::string, std::vector<dns::Asked>> result;
    for (auto& one : dns_server->take_log()) result[one.name].push_back(one);
    return result;
  }

 private:
  int names_ = 0;
};

// A takes a verdict and a round trip, AAAA one verdict more; single-request takes two verdicts and two round trips.
TEST_F(Lookups, TakeOneRoundTripWithCAres) {
  serve_zone(pairs(), 20ms);
  delay_output(2ms);
  const auto single = median(look_up(Way::libc, 15, {"RES_OPTIONS=single-request"}));
  EXPECT_GE(single, 42ms);
  EXPECT_LE(median(look_up(Way::ours_c_ares, 15)), single * 3 / 4);
  EXPECT_LE(median(look_up(Way::ours_automatic, 15)), single * 3 / 4);
}

TEST_F(Lookups, OfLibcUnderTheLibraryTakeTwo) {
  serve_zone(pairs(), 20ms);
  delay_output(2ms);
  const auto ours = median(look_up(Way::ours_libc, 9));
  EXPECT_GE(ours, 42ms);
  EXPECT_LE(ours, 80ms);
}

TEST_F(Lookups, SendOnePairOnOneFlow) {
  serve_zone(pairs());
  delay_output(2ms);
  for (const Way way : {Way::libc, Way::ours_libc, Way::ours_c_ares, Way::ours_automatic}) {
    look_up(way, 5);
    const auto log = asked();
    EXPECT_EQ(log.size(), 5U);
    for (const auto& [name, pair] : log) {
      ASSERT_EQ(pair.size(), 2U) << to_string(way) << ", " << name;
      EXPECT_EQ(pair[0].type, dns::type::a) << to_string(way);
      EXPECT_EQ(pair[1].type, dns::type::aaaa) << to_string(way);
      EXPECT_EQ(pair[0].source, pair[1].source) << to_string(way);
      EXPECT_EQ(pair[0].transport, dns::Transport::datagram) << to_string(way);
    }
  }
}

// The race itself, on this kernel: with DNAT to two backends in OUTPUT a flow's second datagram reaches another one.
TEST_F(Lookups, ReachOneBackendEach) {
  serve_zone(pairs());
  nat(lab::nat::dnat_to_backends(Family::ipv4, true));
  third_party({.delay = 5ms}, {.hook = lab::ThirdPartyRule::Hook::output});
  auto files = cases::files();
  files["resolv.conf"] = "nameserver " + service() + "\noptions timeout:1 attempts:2\n";
  set_resolver_files(files);
  for (const Way way : {Way::libc, Way::ours_libc, Way::ours_c_ares, Way::ours_automatic}) {
    look_up(way, 10);
    int split = 0;
    for (const auto& [name, pair] : asked()) {
      std::set<Address> backends;
      for (const auto& one : pair) backends.insert(one.server);
      split += backends.size() > 1 ? 1 : 0;
    }
    if (way == Way::libc) {
      EXPECT_GT(split, 0);
    } else {
      EXPECT_EQ(split, 0) << to_string(way);
    }
  }
}

// A path that loses the second datagram of a source that comes less than 4 ms after the first: kernels up to 4.6.
class Dropper : public Lookups {
 protected:
  void SetUp() override {
    serve_zone(pairs(), 0us, 4ms);
    delay_output(12ms);  // what is sent one departure apart arrives further apart than that, on a busy machine too
  }
  // Lookups that lose nothing and wait for nobody.
  void expect_unharmed(Way way, const std::vector<std::string>& environment = {}) {
    EXPECT_LT(longest(look_up(way, 8, environment)), 1s) << to_string(way);
    for (const auto& one : dns_server->take_log()) EXPECT_FALSE(one.dropped) << to_string(way) << ", " << one.name;
  }
};

TEST_F(Dropper, HoldsLibcUpForFiveSeconds) {
  EXPECT_GE(look_up(Way::libc, 1).at(0).time, 4900ms);
  std::size_t dropped = 0;
  for (const auto& one : dns_server->take_log()) dropped += one.dropped ? 1 : 0;
  EXPECT_GT(dropped, 0U);
}

TEST_F(Dropper, DoesNotHoldUpLibcUnderTheLibrary) {
  expect_unharmed(Way::ours_libc);
}
TEST_F(Dropper, DoesNotHoldUpCAres) {
  expect_unharmed(Way::ours_c_ares);
}
TEST_F(Dropper, DoesNotHoldUpTheAutomaticChoice) {
  expect_unharmed(Way::ours_automatic);
}
TEST_F(Dropper, DoesNotHoldUpWhatTheAutomaticChoiceLeavesToLibc) {
  auto files = cases::files();
  files["nsswitch.conf"] = "hosts: files myhostname dns\n";
  set_resolver_files(files);
  expect_unharmed(Way::ours_automatic);
}

// A server, or a firewall, that takes the next question of a source only when some time has gone by costs one timeout,
// as with libc, which from then on asks one question at a time. So does the library from then on: by leaving it to
// libc.
TEST_F(Lookups, OfServersThatTakeOneQuestionAtATimeWaitOnce) {
  serve_zone(pairs(), 8ms, 4ms);
  auto files = cases::files();
  files["resolv.conf"] = "nameserver 10.99.2.2\noptions timeout:1 attempts:2\n";
  set_resolver_files(files);
  for (const Way way : {Way::libc, Way::ours_c_ares, Way::ours_automatic}) {
    const auto outcomes = look_up(way, 3);
    EXPECT_GE(outcomes[0].time, 900ms) << to_string(way);
    EXPECT_LT(outcomes[1].time, 500ms) << to_string(way);
    EXPECT_LT(outcomes[2].time, 500ms) << to_string(way);
  }
}

// musl's resolver sends both questions at once too, and asks again after timeout/attempts: half of libc's 5 s. A static
// program has no place for a preload library; the figure of what the path costs it.
TEST_F(Dropper, HoldsStaticMuslProgramsUpForTwoSecondsAndAHalf) {
  if (std::string_view(MUSL_LOOKUP).empty()) GTEST_SKIP() << "musl-gcc was not installed when this was built";
  const auto result = run({MUSL_LOOKUP, "name.pair.test"}, options(Way::ours_automatic));
  EXPECT_EQ(value(result, "code"), 0);
  EXPECT_EQ(value(result, "addresses"), 2);
  EXPECT_GE(value(result, "ms"), 2450);
  EXPECT_LT(value(result, "ms"), 4500);
}

// What the running kernel does to a pair behind a verdict of 2 ms, without NAT: those up to 4.6 lose the second one.
class Kernel : public Lookups {
 protected:
  void SetUp() override {
    serve_zone(pairs());
    delay_output(2ms);
  }
  // Whether bursts of two datagrams lose one: what the kernel does, whoever sends.
  bool loses_datagrams() {
    serve();
    const Endpoint target{lab::Topology::addresses(Family::ipv4).backends[0], server_port};
    return must(lab::burst(gateway(), target, {.flows = 5, .datagrams = 2}, *servers)).lost > 0;
  }
  // The time is for kernels in an emulator; one lost datagram costs 5 s.
  void expect_unharmed(Way way) {
    EXPECT_LT(longest(look_up(way, 5)), 3s) << to_string(way);
    for (const auto& [name, questions] : asked()) EXPECT_EQ(questions.size(), 2U) << to_string(way) << ", " << name;
  }
};

TEST_F(Kernel, HoldsLibcUpForFiveSecondsWhereItLosesDatagrams) {
  const bool loses = loses_datagrams();
  const auto time = look_up(Way::libc, 1).at(0).time;
  RecordProperty("loses_datagrams", loses ? "yes" : "no");
  RecordProperty("libc_milliseconds", std::to_string(time / 1ms));
  if (loses) {
    EXPECT_GE(time, 4900ms);
  } else {
    EXPECT_LT(time, 3s);
  }
}

TEST_F(Kernel, DoesNotHoldUpLibcUnderTheLibrary) {
  expect_unharmed(Way::ours_libc);
}
TEST_F(Kernel, DoesNotHoldUpCAres) {
  expect_unharmed(Way::ours_c_ares);
}
TEST_F(Kernel, DoesNotHoldUpTheAutomaticChoice) {
  expect_unharmed(Way::ours_automatic);
}

}  // namespace
}  // namespace ctgate::test

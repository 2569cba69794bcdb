// SPDX-License-Identifier: GPL-2.0-or-later
// A server, or someone on the path, that answers with what was not asked for: nothing crashes, and the library accepts
// no address that libc would not have accepted.
#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <set>

#include "policy/base/find_program.hh"
#include "tests/resolver/compare.hh"
#include "tests/resolver/resolver_test.hh"

namespace ctgate::test {
namespace {

using dns::Trick;

struct Named {
  const char* name;
  Trick trick;
};

// Whoever plays these can't read the question; the truth comes later.
constexpr Named blind[] = {{"wrong-id", Trick::wrong_id},
                           {"wrong-question", Trick::wrong_question},
                           {"other-address", Trick::other_address},
                           {"other-type", Trick::other_type}};
// These can, or are the server. glibc takes a message without the QR bit for an answer too.
constexpr Named knowing[] = {{"not-an-answer", Trick::not_an_answer},
                             {"foreign-owner", Trick::foreign_owner},
                             {"foreign-class", Trick::foreign_class},
                             {"pointer-loop", Trick::pointer_loop},
                             {"pointer-pair", Trick::pointer_pair},
                             {"pointer-beyond", Trick::pointer_beyond},
                             {"alias-loop", Trick::alias_loop},
                             {"short-record", Trick::short_record},
                             {"long-record", Trick::long_record},
                             {"data-beyond", Trick::data_beyond},
                             {"too-few-records", Trick::too_few_records},
                             {"header-only", Trick::header_only},
                             {"one-byte", Trick::one_byte},
                             {"empty", Trick::empty},
                             {"cut-stream", Trick::cut_stream}};
// From servers that are careless only. libc reads what it needs of them.
constexpr Named careless[] = {{"bare-error", Trick::bare_error},
                              {"bare-error-by-stream", Trick::bare_error_by_stream},
                              {"miscounted", Trick::miscounted},
                              {"broken-beside", Trick::broken_beside},
                              {"broken-stranger", Trick::broken_stranger}};
constexpr Named huge[] = {{"huge-datagram", Trick::huge_datagram}, {"huge-stream", Trick::huge_stream}};

std::set<std::string> addresses_of(const Outcome& outcome) {
  std::set<std::string> result;
  for (const auto& one : outcome.found) result.insert(one.address);
  return result;
}

class Hostile : public ResolverTest, public ::testing::WithParamInterface<Way> {
 protected:
  void SetUp() override {
    auto files = cases::files();
    files["resolv.conf"] = "nameserver 10.99.2.2\nsearch hostile.test\noptions timeout:1 attempts:1\n";
    set_resolver_files(files);
  }

  // The same trick on A, on AAAA and on both: "NAME-a", "NAME-aaaa", "NAME".
  template <std::size_t n>
  void play(const Named (&tricks)[n]) {
    for (const auto& [name, trick] : tricks) {
      dns::Entry entry{.addresses = {*Address::parse("192.0.2.1"), *Address::parse("2001:db8::1")}, .trick_a = trick};
      add(fmt::format("{}-a.hostile.test", name), entry);
      entry.trick_aaaa = trick;
      add(fmt::format("{}.hostile.test", name), entry);
      entry.trick_a = Trick::none;
      add(fmt::format("{}-aaaa.hostile.test", name), entry);
    }
  }
  void play_mutations(int count) {
    for (int i = 0; i < count; ++i) {
      dns::Entry entry{.addresses = {*Address::parse("192.0.2.1"), *Address::parse("2001:db8::1")}};
      entry.trick_a = i % 3 != 0 ? Trick::mutated : Trick::none;
      entry.trick_aaaa = i % 3 != 1 ? Trick::mutated : Trick::none;
      add(fmt::format("m{}.hostile.test", i), entry);
    }
  }
  void add(const std::string& name, const dns::Entry& entry) {
    zone_.add(name, entry);
    names_.push_back(name);
  }

  // What both make of all names, in pairs.
  void look_up() {
    serve_zone(zone_);
    std::vector<Call> calls;
    for (const auto& name : names_) calls.push_back(cases::plain(name + "."));
    libc_ = resolve(Way::libc, calls);
    for (const int family : {AF_INET, AF_INET6}) {
      for (auto& call : calls) call.hints->family = family;
      libc_by_family_.push_back(resolve(Way::libc, calls));
    }
    for (auto& call : calls) call.hints->family = AF_UNSPEC;
    ours_ = resolve(GetParam(), calls);
    ASSERT_EQ(libc_.size(), calls.size());
    ASSERT_EQ(ours_.size(), calls.size());
  }

  // The answers of the untouched zone are right in any case. Where libc gives up because of one family's answer, what
  // it makes of the other's shows when that is all it is asked for.
  void expect_nothing_but_what_libc_accepts() {
    for (std::size_t i = 0; i < names_.size(); ++i) {
      auto allowed = addresses_of(libc_[i]);
      for (const auto& alone : libc_by_family_) allowed.merge(addresses_of(alone[i]));
      allowed.insert({"192.0.2.1#0", "2001:db8::1#0"});
      const auto accepted = addresses_of(ours_[i]);
      EXPECT_TRUE(std::ranges::includes(allowed, accepted))
          << Difference{"hostile", cases::plain(names_[i]), libc_[i], ours_[i], {"accepts what libc does not"}}
                 .describe();
    }
  }

  // It may be more: libc takes some messages with a broken question for answers, and then finds nothing in them.
  void expect_no_less_than_libc_gives() {
    for (std::size_t i = 0; i < names_.size(); ++i) {
      EXPECT_TRUE(std::ranges::includes(addresses_of(ours_[i]), addresses_of(libc_[i])))
          << Difference{"hostile", cases::plain(names_[i]), libc_[i], ours_[i], {"finds less"}}.describe();
    }
  }
  void expect_what_libc_gives() {
    for (std::size_t i = 0; i < names_.size(); ++i) {
      const auto what = differences(libc_[i], ours_[i]);
      EXPECT_TRUE(what.empty()) << Difference{"hostile", cases::plain(names_[i]), libc_[i], ours_[i], what}.describe();
    }
  }

  dns::Zone zone_;
  std::vector<std::string> names_;
  std::vector<Outcome> libc_, ours_;
  std::vector<std::vector<Outcome>> libc_by_family_;
};

TEST_P(Hostile, BlindForgeriesChangeNothing) {
  play(blind);
  look_up();
  expect_what_libc_gives();
  for (std::size_t i = 0; i < names_.size(); ++i) {
    for (const auto& address : addresses_of(ours_[i])) {
      EXPECT_TRUE(address == "192.0.2.1#0" || address == "2001:db8::1#0") << names_[i] << ": " << address;
    }
  }
}

TEST_P(Hostile, CarelessServersAreUnderstood) {
  play(careless);
  look_up();
  expect_what_libc_gives();
}

TEST_P(Hostile, BrokenMessagesBringNothingThatLibcRefuses) {
  play(knowing);
  look_up();
  expect_nothing_but_what_libc_accepts();
  expect_no_less_than_libc_gives();
}

TEST_P(Hostile, HugeAnswersAreReadOrRefused) {
  play(huge);
  look_up();
  expect_nothing_but_what_libc_accepts();
  expect_what_libc_gives();
  EXPECT_GT(libc_.back().found.size(), 1000U);
}

TEST_P(Hostile, MutatedMessagesBringNothingThatLibcRefuses) {
  play_mutations(150);
  look_up();
  expect_nothing_but_what_libc_accepts();
  expect_no_less_than_libc_gives();
}

TEST_P(Hostile, ValgrindFindsNothing) {
  if (!find_program("valgrind")) GTEST_SKIP() << "valgrind is not installed";
  play(blind);
  play(knowing);
  play(careless);
  play(huge);
  play_mutations(150);
  serve_zone(zone_);
  std::vector<std::string> lines;
  for (const auto& name : names_) lines.push_back(cases::plain(name + ".").to_line());
  const auto result = run_under_valgrind(GetParam(), {RESOLVE_CALLS, file_of(lines)});
  EXPECT_EQ(parse_outcomes(result.output).size(), names_.size());
}

INSTANTIATE_TEST_SUITE_P(Ways, Hostile, ::testing::Values(Way::ours_c_ares, Way::ours_automatic),
                         [](const auto& instance) {
                           return instance.param == Way::ours_c_ares ? "CAres" : "Automatic";
                         });

}  // namespace
}  // namespace ctgate::test

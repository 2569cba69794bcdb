// SPDX-License-Identifier: GPL-2.0-or-later
// The same calls through libc and through the library: the answers are the same.
#include <gtest/gtest.h>
#include <netdb.h>

#include <fstream>
#include <future>

#include "policy/base/run_program.hh"
#include "tests/resolver/compare.hh"
#include "tests/resolver/resolver_test.hh"

namespace ctgate::test {

void PrintTo(const Profile& profile, std::ostream* stream) {
  *stream << profile.name;
}

namespace {

bool is_of(const Difference& difference, std::string_view profile) {
  return difference.profile.starts_with(profile);
}

// Why this way may answer otherwise than libc in this case, or "" where it may not. All that is known is here.
std::string_view explanation(Way way, const Difference& difference) {
  if (way == Way::ours_c_ares) {
    if (is_of(difference, "nss_")) return "asks files and dns, whatever else nsswitch.conf has";
    if (is_of(difference, "no_tld_query")) return "does not know the option no-tld-query";
    const bool sorted = difference.what.front() == "another order" && difference.what.size() == 1;
    if (is_of(difference, "gai_") && sorted) return "sorts by RFC 6724's table, whatever gai.conf has";
  }
  if (way == Way::ours_libc) {
    // resolv/res_send.c, send_dg(): an error answer to A ends the lookup before AAAA is asked.
    const auto node = difference.call.node.value_or("");
    for (const char* name : {"servfail-a.ctgate.test", "refused-a.ctgate.test", "notimp-a.ctgate.test"}) {
      if (node == name && difference.other.code == EAI_AGAIN) return "single-request: an error for A ends the lookup";
    }
  }
  return "";
}

class Differential : public ResolverTest, public ::testing::WithParamInterface<Profile> {
 protected:
  void SetUp() override {
    if (GetParam().network == Network::ipv6 && !lab::ipv6_available()) GTEST_SKIP() << "this kernel has no IPv6";
    set_resolver_files(GetParam().files);
    if (GetParam().network == Network::none) {
      dns::ServerOptions options;
      options.addresses = {*Address::parse("127.0.0.1")};
      auto zone = case_zone();
      dns_server = must(
          dns::Server::start(gateway(), options, [zone](const dns::Bytes& query, dns::Transport transport) mutable {
            return zone.respond(query, transport);
          }));
    } else if (GetParam().name != "nobody_listens") {
      serve_zone(case_zone());
    }
    take_addresses_away(GetParam().network);
  }

  void take_addresses_away(Network network) {
    for (const char* device : {"client0", "server0"}) {
      if (lab::ipv6_available() && (network == Network::ipv4 || network == Network::none)) {
        must(gateway().set_sysctl(std::string("net/ipv6/conf/") + device + "/disable_ipv6", "1"));
      }
      if (network == Network::ipv6 || network == Network::none) {
        const auto done = must(run_program({"ip", "-n", gateway().name(), "-4", "address", "flush", "dev", device}));
        ASSERT_EQ(done.exit_code, 0) << done.output;
      }
    }
  }

  std::vector<Difference> compare(Way way) {
    const auto& profile = GetParam();
    // At the same time: some calls wait for seconds.
    auto running =
        std::async(std::launch::async, [&] { return resolve(Way::libc, profile.calls, profile.environment); });
    const auto ours = resolve(way, profile.calls, profile.environment);
    const auto libc = running.get();
    if (libc.size() != profile.calls.size() || ours.size() != libc.size()) {
      throw std::runtime_error("not every call has an outcome");
    }
    std::vector<Difference> found;
    for (std::size_t i = 0; i < libc.size(); ++i) {
      auto what = differences(libc[i], ours[i], profile.unordered);
      if (!what.empty()) found.push_back({profile.name, profile.calls[i], libc[i], ours[i], std::move(what)});
    }
    return found;
  }

  void expect_none_but_explained(Way way);
};

std::string listing(const std::vector<Difference>& all) {
  std::string text;
  for (const auto& one : all) text += one.describe() + '\n';
  return text;
}

void Differential::expect_none_but_explained(Way way) {
  auto found = compare(way);
  std::erase_if(found, [&](const auto& one) { return !explanation(way, one).empty(); });
  EXPECT_TRUE(found.empty()) << found.size() << " of " << GetParam().calls.size() << " calls\n" << listing(found);
}

// "auto" answers as libc does. Always.
TEST_P(Differential, Automatic) {
  expect_none_but_explained(Way::ours_automatic);
}
TEST_P(Differential, CAres) {
  expect_none_but_explained(Way::ours_c_ares);
}
TEST_P(Differential, Libc) {
  expect_none_but_explained(Way::ours_libc);
}

INSTANTIATE_TEST_SUITE_P(Profiles, Differential, ::testing::ValuesIn(profiles()),
                         [](const auto& instance) { return instance.param.name; });

// It would be no merit if "auto" left everything to libc.
class Share : public ResolverTest {};

TEST_F(Share, OfUsualCallsThatAutomaticGivesToCAres) {
  serve_zone(case_zone());
  const char* names[] = {"both.ctgate.test",    "v4",     "alias3",   "many", "big",
                         "nowhere.ctgate.test", "nodata", "truncated"};
  std::vector<std::string> lines;
  for (const char* name : names) lines.push_back(cases::plain(name).to_line());
  const auto result = run({RESOLVE_CALLS, file_of(lines)}, options(Way::ours_automatic, {"CTGATE_LOG=1"}));
  std::size_t resolved = 0;
  const std::string words = "resolved by c-ares";
  for (auto at = result.errors.find(words); at != std::string::npos; at = result.errors.find(words, at + 1)) ++resolved;
  EXPECT_EQ(resolved, std::size(names)) << result.errors;
}

TEST_F(Share, OfServersThatMayTakeOneQuestionAtATimeIsLibcs) {
  serve_zone(case_zone());
  set_resolver_files(cases::files("search ctgate.test\noptions rotate single-request\n"));
  const auto result =
      run({RESOLVE_CALLS, file_of({cases::plain("v4").to_line()})}, options(Way::ours_automatic, {"CTGATE_LOG=1"}));
  EXPECT_NE(result.errors.find("left to libc: resolv.conf: option single-request"), std::string::npos) << result.errors;
}

// getent -s says which services are asked, by a function of libc: here not the one that would know the name.
TEST_F(Share, OfProgramsThatChooseTheServicesIsLibcs) {
  serve_zone(case_zone());
  for (const Way way : {Way::libc, Way::ours_automatic, Way::ours_c_ares}) {
    const auto result = run({"getent", "-s", "files", "ahosts", "both.ctgate.test"}, options(way));
    EXPECT_EQ(result.exit_status, 2) << to_string(way);
    EXPECT_EQ(result.output, "") << to_string(way);
  }
}

class Changes : public ResolverTest {};

// A long-lived program goes by the resolv.conf, hosts and nsswitch.conf of the moment.
TEST_F(Changes, OfFilesAreNoticed) {
  serve_zone(case_zone());
  auto changed = cases::files("search first.test\n");
  changed["hosts"] = "192.0.2.200 both.ctgate.test\n";
  for (const auto& [name, text] : changed) std::ofstream("/etc/changed-" + name) << text;
  std::vector<std::string> lines;
  const auto ask = [&] {
    for (const char* name : {"both.ctgate.test", "v4", "host"}) lines.push_back(cases::plain(name).to_line());
  };
  ask();
  lines.emplace_back("copy /etc/changed-hosts /etc/hosts");
  ask();
  lines.emplace_back("copy /etc/changed-resolv.conf /etc/resolv.conf");
  ask();
  std::vector<std::vector<Outcome>> all;
  for (const Way way : {Way::libc, Way::ours_automatic, Way::ours_c_ares, Way::ours_libc}) {
    set_resolver_files(cases::files());
    all.push_back(resolve(way, lines));
    ASSERT_EQ(all.back().size(), 9U);
    for (std::size_t i = 0; i < 9; ++i) {
      const auto what = differences(all[0][i], all.back()[i]);
      EXPECT_TRUE(what.empty()) << to_string(way) << ", call " << i << ": " << what[0];
    }
  }
  EXPECT_EQ(all[0][3].found.at(0).address, "192.0.2.200#0");
  EXPECT_NE(all[0][2].code, 0);
  EXPECT_EQ(all[0][8].code, 0);
}

}  // namespace
}  // namespace ctgate::test

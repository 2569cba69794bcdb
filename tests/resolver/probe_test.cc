// SPDX-License-Identifier: GPL-2.0-or-later
// What `ctgate resolve` measures with --explain and --compare: does the test for libc's bug 30081 agree with lookups,
// and does the count of datagrams agree with what arrives?
#include <nlohmann/json.hpp>

#include "daemon/lab/sandbox.hh"
#include "policy/base/run_program.hh"
#include "tests/resolver/resolver_test.hh"

namespace ctgate::test {
namespace {

using namespace std::chrono_literals;

class Measured : public ResolverTest {
 protected:
  RunResult explain(const std::vector<std::string>& more = {}) {
    std::vector<std::string> command{CTGATE, "resolve", "localhost", "--explain", "--library", library()};
    command.insert(command.end(), more.begin(), more.end());
    auto result = run(command, {.preload = false, .environment = {"XDG_RUNTIME_DIR=" + runtime_directory_}});
    EXPECT_EQ(result.exit_status, 0) << result.output << result.errors;
    return result;
  }
  bool says_affected() {
    return nlohmann::json::parse(explain({"--json"}).output).at("libc").at("bug_30081").get<bool>();
  }
  // With single-request and a timeout of 1 s, against a server that answers with this error.
  std::chrono::microseconds time_of_error(dns::Rcode code) {
    dns::Zone zone;
    zone.add("error.test", {.addresses = {}, .rcode_a = code, .rcode_aaaa = code});
    dns_server.reset();
    serve_zone(zone);
    auto files = cases::files();
    files["resolv.conf"] = "nameserver 10.99.2.2\noptions single-request timeout:1 attempts:1\n";
    set_resolver_files(files);
    return resolve(Way::libc, {cases::plain("error.test.")}).at(0).time;
  }

  const std::string runtime_directory_ = must(lab::make_scratch_directory());
};

TEST_F(Measured, SaysWhatLookupsShow) {
  const bool affected = says_affected();
  for (const auto code : {dns::Rcode::server_failure, dns::Rcode::refused, dns::Rcode::not_implemented}) {
    EXPECT_EQ(time_of_error(code) >= 900ms, affected) << "code " << static_cast<int>(code);
  }
}

TEST_F(Measured, DatagramsAreThoseThatArrive) {
  dns::Zone zone;
  zone.add("name.test", {{*Address::parse("192.0.2.1"), *Address::parse("2001:db8::1")}});
  serve_zone(zone);
  const auto result = run({CTGATE, "resolve", "name.test", "--compare", "--json", "--library", library()},
                          {.preload = false, .environment = {"XDG_RUNTIME_DIR=" + runtime_directory_}});
  ASSERT_EQ(result.exit_status, 0) << result.output << result.errors;
  unsigned sent = 0;
  for (const auto& way : nlohmann::json::parse(result.output)) {
    const auto datagrams = way.at("datagrams").get<unsigned>();
    EXPECT_EQ(datagrams, way.at("mode") == "libc, use-vc (TCP)" ? 0U : 2U) << way;
    sent += datagrams;
  }
  std::size_t arrived = 0;
  for (const auto& one : dns_server->take_log()) arrived += one.transport == dns::Transport::datagram ? 1 : 0;
  EXPECT_EQ(sent, arrived);
}

TEST_F(Measured, SaysSoInWords) {
  const bool affected = says_affected();
  const auto text = explain().output;
  EXPECT_EQ(text.find(" ms: affected") != std::string::npos, affected) << text;
  EXPECT_EQ(text.find(" ms: not affected\n") != std::string::npos, !affected) << text;
}

// The machine's own configuration has no part in it, and no name server is asked.
TEST_F(Measured, NeedsNoNameServer) {
  const bool affected = says_affected();
  set_resolver_files({{"nsswitch.conf", "hosts: files\n"},
                      {"hosts", "127.0.0.1 localhost\n"},
                      {"resolv.conf", "nameserver 10.99.7.7\noptions use-vc timeout:30 attempts:5\n"}});
  EXPECT_EQ(says_affected(), affected);
}

TEST_F(Measured, WithoutALoopbackInterfaceItSaysThatItCannotTell) {
  must(gateway().run([] { return run_program({"ip", "link", "set", "lo", "down"}); }));
  const auto text = explain().output;
  EXPECT_NE(text.find(" could not be tested: "), std::string::npos) << text;
  EXPECT_TRUE(nlohmann::json::parse(explain({"--json"}).output).at("libc").at("bug_30081").is_null());
}

}  // namespace
}  // namespace ctgate::test

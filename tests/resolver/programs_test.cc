// SPDX-License-Identifier: GPL-2.0-or-later
// Other people's programs find their servers by name: the same output and the same questions as without the library,
// and no wait of five seconds where the path loses the second datagram of a pair. strace(1) sees the same.
#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>

#include "daemon/lab/sandbox.hh"
#include "policy/base/find_program.hh"
#include "tests/resolver/resolver_test.hh"
#include "tests/resolver/trace.hh"
#include "tests/resolver/web_server.hh"

namespace ctgate::test {
namespace {

using namespace std::chrono_literals;

struct Program {
  const char* name;
  std::vector<std::string> argv;
  int exit_status = 0;
  bool asks_itself = false;  // the DNS, without getaddrinfo(3): the order of the questions may differ
};

void PrintTo(const Program& program, std::ostream* stream) {
  *stream << program.name;
}

const std::string python_lookup =
    "import socket\n"
    "for one in socket.getaddrinfo('web.lab.test', 80): print(one)\n"
    "print(socket.create_connection(('web.lab.test', 80)).getpeername())\n";
const std::string python_requests = "import requests\nprint(requests.get('http://web.lab.test/').text)\n";
const std::string node_lookup =
    "require('dns').lookup('web.lab.test', {all: true}, (error, all) => console.log(error, JSON.stringify(all)))";
const std::string node_resolve =
    "const dns = require('dns').promises;"
    "Promise.all([dns.resolve4('web.lab.test'), dns.resolve6('web.lab.test')])"
    ".then(all => console.log(JSON.stringify(all)))";

const Program programs[] = {
    {"getent", {"getent", "ahosts", "web.lab.test"}},
    {"getent_alias", {"getent", "ahosts", "www.lab.test"}},
    {"curl", {"curl", "-sS", "--noproxy", "*", "--max-time", "20", "http://web.lab.test/"}},
    {"wget", {"wget", "-q", "--no-proxy", "-T", "20", "-t", "1", "-O", "-", "http://web.lab.test/"}},
    {"ping", {"ping", "-q", "-c", "1", "-w", "20", "web.lab.test"}},
    {"python3", {"python3", "-c", python_lookup}},
    {"python3_requests", {"python3", "-c", python_requests}},
    {"node_lookup", {"node", "-e", node_lookup}},
    {"node_resolve", {"node", "-e", node_resolve}, 0, true},
    {"git", {"git", "-c", "http.proxy=", "ls-remote", "http://web.lab.test/x.git"}, 128},
    {"ssh", {"ssh", "-F", "none", "-o", "BatchMode=yes", "-o", "ConnectTimeout=20", "web.lab.test"}, 255},
    {"java", {"java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", RESOLVE_JAVA, "web.lab.test"}},
};

std::string without_times(std::string text) {
  // ping's are the only ones: "rtt min/avg/max/mdev = ..."
  if (const auto at = text.find("rtt "); at != std::string::npos) text.resize(at);
  if (const auto at = text.find(", time "); at != std::string::npos) text.resize(at);
  return text;
}

class Programs : public ResolverTest, public ::testing::WithParamInterface<Program> {
 protected:
  void SetUp() override {
    const auto& program = GetParam();
    if (!find_program(program.argv[0])) GTEST_SKIP() << program.argv[0] << " is not installed";
    if (!lab::ipv6_available()) GTEST_SKIP() << "this kernel has no IPv6";
    if (program.name == std::string("python3_requests") && !runs({"python3", "-c", "import requests"})) {
      GTEST_SKIP() << "python3 has no module requests";
    }
    if (program.name == std::string("java") && !runs({"javac", "-version"})) GTEST_SKIP() << "there is no JDK";
    files_["resolv.conf"] = "nameserver 10.99.2.2\n";
    set_resolver_files(files_);
    web_ = must(WebServer::start(server()));
  }
  bool runs(const std::vector<std::string>& argv) {
    return find_program(argv[0]) && run(argv, {.preload = false}).exit_status == 0;
  }
  static dns::Zone zone() {
    dns::Zone result;
    result.add("web.lab.test", {{*Address::parse("10.99.2.2"), *Address::parse("fd00:99:2::2")}});
    result.add("www.lab.test", {.addresses = {}, .alias = "web.lab.test"});
    return result;
  }

  struct Seen {
    RunResult result;
    std::vector<std::string> questions;  // "web.lab.test A"
    std::size_t dropped = 0;
  };
  Seen see(Way way) {
    static_cast<void>(dns_server->take_log());
    const auto begin = std::chrono::steady_clock::now();
    Seen seen{run(GetParam().argv, options(way)), {}};
    time_ = std::chrono::steady_clock::now() - begin;
    seen.result.output = without_times(seen.result.output);
    for (const auto& one : dns_server->take_log()) {
      seen.questions.push_back(one.name + (one.type == dns::type::a ? " A" : " AAAA"));
      seen.dropped += one.dropped ? 1 : 0;
    }
    if (GetParam().asks_itself) std::ranges::sort(seen.questions);
    return seen;
  }
  void expect_same(const Seen& plain, const Seen& seen, Way way) {
    EXPECT_EQ(seen.result.exit_status, plain.result.exit_status) << to_string(way);
    EXPECT_EQ(seen.result.output, plain.result.output) << to_string(way);
    EXPECT_EQ(seen.result.errors, plain.result.errors) << to_string(way);
    EXPECT_EQ(seen.questions, plain.questions) << to_string(way);
  }

  // Under strace, which is not under the library itself.
  Trace trace(Way way) {
    const auto file = file_of({});
    std::vector<std::string> command{"strace", "-f", "-qq", "-ttt", "-T", "-e", "trace=" + std::string(traced_calls),
                                     "-o",     file};
    auto run_options = options(way);
    for (const auto& variable : std::exchange(run_options.environment, {})) {
      command.insert(command.end(), {"-E", variable});
    }
    if (std::exchange(run_options.preload, false)) command.insert(command.end(), {"-E", "LD_PRELOAD=" + library()});
    const auto& argv = GetParam().argv;
    command.insert(command.end(), argv.begin(), argv.end());
    const auto result = run(command, run_options);
    EXPECT_EQ(result.exit_status, GetParam().exit_status) << result.output << result.errors;
    std::ifstream lines(file);
    return parse_trace(std::string(std::istreambuf_iterator<char>(lines), {}));
  }

  std::chrono::nanoseconds time_{};

 private:
  std::map<std::string, std::string> files_ = cases::files();
  std::unique_ptr<WebServer> web_;
};

using PlainProgram = Programs;

TEST_P(Programs, WorkByName) {
  serve_zone(zone());
  const auto plain = see(Way::libc);
  ASSERT_EQ(plain.result.exit_status, GetParam().exit_status) << plain.result.output << plain.result.errors;
  EXPECT_GE(plain.questions.size(), 2U);
  for (const Way way : {Way::ours_libc, Way::ours_c_ares, Way::ours_automatic}) expect_same(plain, see(way), way);
}

TEST_P(Programs, DoNotWaitWherePairsAreTorn) {
  serve_zone(zone());
  const auto plain = see(Way::libc);
  dns_server.reset();
  serve_zone(zone(), 0us, 4ms);
  delay_output(12ms);
  for (const Way way : {Way::ours_libc, Way::ours_automatic}) {
    const auto seen = see(way);
    expect_same(plain, seen, way);
    EXPECT_EQ(seen.dropped, 0U) << to_string(way);
    EXPECT_LT(time_, 4500ms) << to_string(way);
  }
}

// One pair on one flow, the second question not before the third party's verdict on the first, and no long wait.
TEST_P(Programs, TracesShowPairsOneVerdictApart) {
  if (!find_program("strace")) GTEST_SKIP() << "strace is not installed";
  serve_zone(zone());
  const auto plain = see(Way::libc);
  dns_server.reset();
  serve_zone(zone(), 0us, 4ms);
  delay_output(12ms);
  for (const Way way : {Way::ours_libc, Way::ours_automatic}) {
    const auto seen = trace(way);
    EXPECT_EQ(seen.questions.size(), plain.questions.size()) << to_string(way);
    EXPECT_GE(seen.least_distance(), 0.012) << to_string(way);
    EXPECT_LT(seen.longest_wait, 2.0) << to_string(way);
  }
}

// That the trace would show what it is to rule out.
TEST_P(PlainProgram, TracesShowTheWaitOfPlainLibc) {
  if (!find_program("strace")) GTEST_SKIP() << "strace is not installed";
  serve_zone(zone(), 0us, 4ms);
  delay_output(12ms);
  const auto seen = trace(Way::libc);
  EXPECT_GT(seen.questions.size(), 2U);  // the pair, and what was asked again
  EXPECT_LT(seen.least_distance(), 0.004);
  EXPECT_GE(seen.longest_wait, 4.9);
}

INSTANTIATE_TEST_SUITE_P(GetentAlone, PlainProgram, ::testing::Values(programs[0]),
                         [](const auto& instance) { return std::string(instance.param.name); });
INSTANTIATE_TEST_SUITE_P(All, Programs, ::testing::ValuesIn(programs),
                         [](const auto& instance) { return std::string(instance.param.name); });

}  // namespace
}  // namespace ctgate::test

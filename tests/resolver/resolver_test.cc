// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/resolver/resolver_test.hh"

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "daemon/lab/sandbox.hh"
#include "policy/base/run_program.hh"

namespace ctgate::test {

const char* to_string(Way way) {
  switch (way) {
    case Way::libc:
      return "libc";
    case Way::ours_libc:
      return "ours, libc";
    case Way::ours_c_ares:
      return "ours, c-ares";
    case Way::ours_automatic:
      return "ours, auto";
  }
  return "";
}

ResolverTest::ResolverTest() {
  enter_private_etc();
  set_resolver_files(cases::files());
  for (const char* variable : {"RES_OPTIONS", "LOCALDOMAIN", "HOSTALIASES", "GCONV_PATH", "LD_PRELOAD", "CTGATE_POLICY",
                               "CTGATE_LOG", "CTGATE_DISABLE", "http_proxy", "https_proxy", "all_proxy", "ALL_PROXY"}) {
    ::unsetenv(variable);
  }
  ::setenv("LC_ALL", "C", 1);
  std::string commands = "route add default via 10.99.2.2 dev server0\n";
  if (lab::ipv6_available()) {
    commands += "address add 2001:db8:1::1/64 dev server0 nodad\nroute add ::/0 via fd00:99:2::2 dev server0\n";
  }
  const auto done = must(run_program({"ip", "-n", gateway().name(), "-batch", "-"}, {.input = commands}));
  if (done.exit_code != 0) throw std::runtime_error("ip: " + done.output);
  // Else only one closed port a second is told of.
  must(server().set_sysctl("net/ipv4/icmp_ratelimit", "0"));
  const std::pair<Way, Resolver> ways[] = {{Way::ours_libc, Resolver::libc},
                                           {Way::ours_c_ares, Resolver::c_ares},
                                           {Way::ours_automatic, Resolver::automatic}};
  for (const auto& [way, resolver] : ways) {
    Policy policy;
    policy.shim.resolver = resolver;
    images_[static_cast<std::size_t>(way)] = image_file(policy);
  }
}

void ResolverTest::serve_dns(dns::Responder responder, std::chrono::microseconds answer_delay,
                             std::chrono::microseconds least_distance) {
  dns::ServerOptions options;
  for (const auto& address : lab::Topology::addresses(Family::ipv4).backends) options.addresses.push_back(address);
  if (lab::ipv6_available()) options.addresses.push_back(lab::Topology::addresses(Family::ipv6).backends[0]);
  options.answer_delay = answer_delay;
  options.least_distance = least_distance;
  dns_server = must(dns::Server::start(server(), options, std::move(responder)));
}

void ResolverTest::serve_zone(dns::Zone zone, std::chrono::microseconds answer_delay,
                              std::chrono::microseconds least_distance) {
  serve_dns(
      [zone](const dns::Bytes& query, dns::Transport transport) mutable { return zone.respond(query, transport); },
      answer_delay, least_distance);
}

void ResolverTest::delay_output(std::chrono::microseconds verdict) {
  nat(lab::nat::tracking_only(Family::ipv4));
  third_party({.delay = verdict}, {.hook = lab::ThirdPartyRule::Hook::output});
}

RunOptions ResolverTest::options(Way way, const std::vector<std::string>& more) const {
  RunOptions result{.preload = way != Way::libc, .environment = more, .timeout = std::chrono::seconds(60)};
  if (way != Way::libc) result.environment.push_back("CTGATE_POLICY=" + images_[static_cast<std::size_t>(way)]);
  return result;
}

std::string ResolverTest::file_of(const std::vector<std::string>& lines) {
  const auto path = must(lab::make_scratch_directory()) / "lines";
  std::ofstream file(path);
  for (const auto& line : lines) file << line << '\n';
  if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
  return path;
}

RunResult ResolverTest::run_under_valgrind(Way way, const std::vector<std::string>& argv) {
  const auto log = file_of({});
  std::vector<std::string> command{"valgrind", "--quiet", "--error-exitcode=9", "--leak-check=full",
                                   "--log-file=" + log};
  command.insert(command.end(), argv.begin(), argv.end());
  auto run_options = options(way);
  run_options.timeout = std::chrono::minutes(6);
  auto result = run(command, run_options);
  std::ifstream report(log);
  const std::string text(std::istreambuf_iterator<char>(report), {});
  EXPECT_EQ(result.exit_status, 0) << text << result.errors;
  return result;
}

std::vector<Outcome> ResolverTest::resolve(Way way, const std::vector<std::string>& lines,
                                           const std::vector<std::string>& environment) {
  const auto result = run({RESOLVE_CALLS, file_of(lines)}, options(way, environment));
  if (result.exit_status != 0) {
    throw std::runtime_error(std::string("resolve_calls, ") + to_string(way) + ": exit status " +
                             std::to_string(result.exit_status) + ": " + result.errors);
  }
  return parse_outcomes(result.output);
}

std::vector<Outcome> ResolverTest::resolve(Way way, const std::vector<Call>& calls,
                                           const std::vector<std::string>& environment) {
  std::vector<std::string> lines;
  for (const auto& call : calls) lines.push_back(call.to_line());
  return resolve(way, lines, environment);
}

}  // namespace ctgate::test

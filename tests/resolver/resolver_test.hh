// SPDX-License-Identifier: GPL-2.0-or-later
// Fixture of the resolver's tests. Programs run on the gateway, which asks the tests' own DNS server in the server's
// namespace; /etc is a private one.
#pragma once

#include <ostream>

#include "tests/resolver/call.hh"
#include "tests/resolver/cases.hh"
#include "tests/resolver/dns_server.hh"
#include "tests/resolver/etc.hh"
#include "tests/support/shim_test.hh"

namespace ctgate::test {

// Who resolves: libc alone, or the library with a policy that says so.
enum class Way { libc, ours_libc, ours_c_ares, ours_automatic };
[[nodiscard]] const char* to_string(Way way);
inline void PrintTo(Way way, std::ostream* stream) {
  *stream << to_string(way);
}

class ResolverTest : public ShimTest {
 protected:
  // Routes to everywhere through the server, so that all addresses are sorted as reachable.
  ResolverTest();

  // A server on both of the server's IPv4 addresses and one IPv6 address.
  void serve_dns(dns::Responder responder, std::chrono::microseconds answer_delay = {},
                 std::chrono::microseconds least_distance = {});
  void serve_zone(dns::Zone zone, std::chrono::microseconds answer_delay = {},
                  std::chrono::microseconds least_distance = {});

  // A third party on the gateway's own output, with conntrack at work.
  void delay_output(std::chrono::microseconds verdict);

  // `more` is added to the environment.
  [[nodiscard]] RunOptions options(Way way, const std::vector<std::string>& more = {}) const;

  // A new file with these lines.
  static std::string file_of(const std::vector<std::string>& lines);

  // Runs a program under valgrind, which must find no error and no leak; skips the test where there is none.
  RunResult run_under_valgrind(Way way, const std::vector<std::string>& argv);

  // Runs resolve_calls with these lines (calls, "copy A B", "sleep N"); the outcome of each call.
  std::vector<Outcome> resolve(Way way, const std::vector<std::string>& lines,
                               const std::vector<std::string>& environment = {});
  std::vector<Outcome> resolve(Way way, const std::vector<Call>& calls,
                               const std::vector<std::string>& environment = {});

  std::unique_ptr<dns::Server> dns_server;

 private:
  std::string images_[4];  // of the policies
};

}  // namespace ctgate::test

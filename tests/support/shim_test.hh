// SPDX-License-Identifier: GPL-2.0-or-later
// Fixture for programs under the preload library. They run on the gateway, behind a third party with late verdicts on
// the gateway's own output, where datagrams to the service address are translated to two backends in turn.
#pragma once

#include <string>
#include <vector>

#include "policy/policy.hh"
#include "tests/support/gateway_test.hh"

namespace ctgate::test {

struct RunOptions {
  bool preload = true;
  std::string libraries{};                 // the whole of LD_PRELOAD; empty: the library
  std::vector<std::string> environment{};  // "NAME=value", in addition
  std::chrono::milliseconds timeout{30'000};
};

struct RunResult {
  int exit_status = 0;  // 128 + number for a signal
  std::string output;   // stdout
  std::string errors;   // stderr
};

struct Damage {
  std::uint64_t clashes = 0;  // clash_resolve
  lab::ArrivalSummary arrivals;
};

class ShimTest : public GatewayTest {
 protected:
  // The machine's own /etc/ld.so.preload and policy images do not exist for the test.
  ShimTest();

  // Servers, DNAT to two backends in OUTPUT, and a third party that takes `delay` for each verdict there (0: there is
  // none).
  void set_up_delayed_output(Family family = Family::ipv4,
                             std::chrono::microseconds delay = std::chrono::milliseconds(5),
                             std::chrono::milliseconds answer_delay = std::chrono::milliseconds(0));

  // Runs a program on the gateway to its end; fails the test if it takes longer than its timeout.
  RunResult run(const std::vector<std::string>& argv, const RunOptions& options = {});

  // Damage since the last call of this function, or since set-up. Waits until `expected` datagrams have arrived, or for
  // 5 s.
  Damage take_damage(std::uint32_t expected = 0);

  // Runs a program that prints sent=N without the library, which must split flows, and with it: the flows must be
  // whole, all datagrams arrive, and nothing be on standard error.
  void expect_cured(const std::vector<std::string>& argv, const RunOptions& options = {});

  // Runs it with the library only. Exit status 0, standard error empty, every datagram delivered.
  RunResult expect_delivered(const std::vector<std::string>& argv, const RunOptions& options = {});
  Damage damage_of_last_run;  // of expect_delivered()

  // How many datagrams were held, by the lines of CTGATE_LOG=1.
  static std::size_t held(const RunResult& result);

  // A new file with the image of this policy.
  static std::string image_file(const Policy& policy);

  // Value of `key=number` in a program's output; fails the test if it is not there.
  static long value(const RunResult& result, const std::string& key);

  static const std::string& library();  // path of libctgate.so
  static std::string service(Family family = Family::ipv4);

 private:
  std::uint64_t clashes_before_ = 0;
};

}  // namespace ctgate::test

// SPDX-License-Identifier: GPL-2.0-or-later
// What calls give back under the preload library is what they give back without it, and odd datagrams cause no trouble.
#include <sstream>

#include "tests/support/shim_test.hh"

namespace ctgate::test {
namespace {

using namespace std::chrono_literals;

class ShimCalls : public ShimTest {
 protected:
  static std::vector<std::string> calls(const char* name) {
    return {SHIM_CALLS, name, service(), lab::Topology::addresses(Family::ipv4).backends[0].to_string()};
  }
  static std::vector<std::string> batches(const char* name) { return {SHIM_BATCHES, name, service(), service()}; }

  // Every port of the servers from 10000 to 19999 leads to the one that they listen on.
  void serve_all_ports() {
    must(
        server().nft("table ip ports {\n chain prerouting { type nat hook prerouting priority -100; "
                     "udp dport 10000-19999 redirect to :9000; }\n}\n"));
  }

  // The gateway's own datagrams with mark 1 are refused, with EPERM.
  void forbid_marked() {
    must(
        gateway().nft("table ip forbid {\n chain output { type filter hook output priority -150; meta mark 1 drop; "
                      "}\n}\n"));
  }

  // What the program printed, without the times.
  static std::string facts(const RunResult& result) {
    std::istringstream lines(result.output);
    std::string text;
    for (std::string line; std::getline(lines, line);) {
      if (line.find("_us=") == std::string::npos) text += line + '\n';
    }
    return text;
  }

  // Runs it without and with the library; both must print the same. Each must have sent what it says.
  RunResult expect_same(const std::vector<std::string>& argv) {
    const auto without = run(argv, {.preload = false});
    EXPECT_EQ(without.exit_status, 0) << without.errors;
    const bool sends = without.output.find("sent=") != std::string::npos;
    damage_without = take_damage(sends ? static_cast<std::uint32_t>(value(without, "sent")) : 0);
    auto with = sends ? expect_delivered(argv) : run(argv);
    EXPECT_EQ(with.exit_status, 0);
    EXPECT_EQ(with.errors, "");
    EXPECT_EQ(facts(with), facts(without));
    EXPECT_NE(facts(with), "");
    return with;
  }
  void expect_whole() {
    EXPECT_GT(damage_without.arrivals.split_flows, 0U);
    EXPECT_EQ(damage_of_last_run.clashes, 0U);
    EXPECT_EQ(damage_of_last_run.arrivals.split_flows, 0U);
    EXPECT_EQ(damage_of_last_run.arrivals.out_of_order_flows, 0U);
  }

  Damage damage_without;
};

TEST_F(ShimCalls, ErrorsAreTheKernels) {
  set_up_delayed_output();
  const auto result = expect_same(calls("errors"));
  for (const char* name :
       {"EDESTADDRREQ", "EINVAL", "EMSGSIZE", "EBADF", "ENOTSOCK", "EPIPE", "EFAULT", "EOPNOTSUPP"}) {
    EXPECT_NE(result.output.find(name), std::string::npos) << name << " in " << result.output;
  }
}

TEST_F(ShimCalls, RefusedIsTheNextSendsError) {
  set_up_delayed_output();
  const auto result = expect_same(calls("refused"));
  EXPECT_NE(result.output.find("ECONNREFUSED"), std::string::npos);
}

TEST_F(ShimCalls, ErrnoIsKept) {
  set_up_delayed_output();
  expect_same(calls("errno-kept"));
  expect_whole();
}

TEST_F(ShimCalls, LeaderThatFailsDoesNotCount) {
  set_up_delayed_output(Family::ipv4, 50ms);
  forbid_marked();
  const auto result = expect_same(calls("failing-leader"));
  expect_whole();
  EXPECT_NE(result.output.find("ENETUNREACH"), std::string::npos);
  EXPECT_NE(result.output.find("EPERM"), std::string::npos);
  EXPECT_LT(value(result, "failures_us"), 40'000);

  const auto logged = run(calls("failing-leader"), {.environment = {"CTGATE_LOG=1"}});
  EXPECT_EQ(held(logged), 8U) << logged.errors;  // the follower of each flow
}

TEST_F(ShimCalls, MessageInPiecesIsOneDatagram) {
  set_up_delayed_output();
  const auto result = expect_same(calls("more"));
  EXPECT_LT(value(result, "total_us"), 8 * 50'000);
}

TEST_F(ShimCalls, CorkedSocketIsNotWaitedFor) {
  set_up_delayed_output();
  const auto result = expect_same(calls("cork"));
  EXPECT_LT(value(result, "total_us"), 8 * 50'000);
}

TEST_F(ShimCalls, SegmentedMessage) {
  set_up_delayed_output();
  expect_same(calls("segments"));
  expect_whole();
}

TEST_F(ShimCalls, DontWaitFailsWhereTheKernelSaysSo) {
  set_up_delayed_output();
  const auto result = expect_same(calls("dont-wait"));
  expect_whole();
  EXPECT_NE(result.output.find("EAGAIN"), std::string::npos);
}

TEST_F(ShimCalls, EmptyDatagrams) {
  set_up_delayed_output();
  expect_same(calls("empty"));
  EXPECT_EQ(damage_of_last_run.clashes, 0U);
  EXPECT_EQ(consumer->packets_seen(), 2U * 8U * 5U);
}

TEST_F(ShimCalls, BatchWithABadMessage) {
  set_up_delayed_output();
  const auto result = expect_same(batches("partial"));
  expect_whole();
  EXPECT_NE(result.output.find("-1 EMSGSIZE"), std::string::npos) << result.output;
}

TEST_F(ShimCalls, BatchWithOddArguments) {
  set_up_delayed_output();
  expect_same(batches("odd-arguments"));
}

TEST_F(ShimCalls, BatchLongerThanTheKernelTakes) {
  set_up_delayed_output();
  const auto result = expect_same(batches("many"));
  expect_whole();
  EXPECT_EQ(value(result, "result"), 1024);
}

TEST_F(ShimCalls, BatchToSeveralDestinations) {
  set_up_delayed_output();
  serve_all_ports();
  expect_same(batches("mixed"));
  expect_whole();
}

TEST_F(ShimCalls, TenThousandDestinationsOnOneSocket) {
  set_up_delayed_output();
  serve_all_ports();
  const auto result = expect_delivered(batches("destinations"));
  EXPECT_LT(value(result, "first_us"), 5'000'000);
  EXPECT_LT(value(result, "again_us"), 5'000'000);
  EXPECT_EQ(damage_of_last_run.clashes, 0U);
}

TEST_F(ShimCalls, TenThousandDestinationsInBatches) {
  set_up_delayed_output();
  serve_all_ports();
  const auto result = expect_delivered(batches("destinations-in-batches"));
  EXPECT_LT(value(result, "total_us"), 10'000'000);
  EXPECT_EQ(damage_of_last_run.clashes, 0U);
}

}  // namespace
}  // namespace ctgate::test

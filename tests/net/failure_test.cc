// SPDX-License-Identifier: GPL-2.0-or-later
// Whatever dies, hangs or is taken away: nothing that was held is lost, and rules and workers come back.
#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include "policy/base/run_program.hh"
#include "tests/support/gateway_test.hh"

namespace ctgate::test {
namespace {

using namespace std::chrono_literals;

const lab::Topology::Addresses ipv4 = lab::Topology::addresses(Family::ipv4);

// A third party that is so slow that followers are held for long, and a sender whose datagrams all arrive in the end.
class Failure : public GatewayTest {
 protected:
  void SetUp() override {
    nat(lab::nat::masquerade(Family::ipv4, false));
    third_party({.delay = 800ms});
    receiver.emplace(server());
    receiver->bind({ipv4.backends[0], server_port});
    sender.emplace(client());
    sender->connect({ipv4.backends[0], server_port});
  }

  void send_and_wait_until_held() {
    for (const char* text : {"1", "2", "3", "4", "5"}) sender->send(text);
    ASSERT_TRUE(eventually([&] { return counter("held") == 4; }));
  }
  void expect_all_arrive() {
    std::string arrived;
    for (int i = 0; i < 5; ++i) arrived += receiver->receive(3s).value_or("-");
    EXPECT_EQ(arrived, "12345");
  }
  [[nodiscard]] pid_t worker() const {
    return must(ctgated->status()).at("queues").at(0).at("worker_pid").get<pid_t>();
  }
  [[nodiscard]] bool is_queue_bound(int number) const {
    return gateway().run([&] {
      const auto queues = must(run_program({"cat", "/proc/thread-self/net/netfilter/nfnetlink_queue"})).output;
      return ("\n" + queues).find(fmt::format("\n{:5} ", number)) != std::string::npos;
    });
  }
  [[nodiscard]] std::string rules() const { return must(gateway().nft("list ruleset\n")); }

  std::optional<UdpSocket> receiver, sender;
};

TEST_F(Failure, KilledWorkerIsReplacedAndWhatItHeldIsAccepted) {
  start_ctgated();
  send_and_wait_until_held();
  const pid_t killed = worker();
  kill(killed, SIGKILL);
  expect_all_arrive();
  EXPECT_TRUE(eventually([&] { return counter("worker_restarts_total") == 1; }));
  EXPECT_NE(worker(), killed);
  EXPECT_EQ(counter("held"), 0U);
  EXPECT_EQ(counter("held_total"), 4U) << "totals go on over a restart";
}

TEST_F(Failure, NewWorkerGates) {
  start_ctgated();
  kill(worker(), SIGKILL);
  ASSERT_TRUE(eventually([&] { return counter("worker_restarts_total") == 1; }));
  send_and_wait_until_held();
  expect_all_arrive();
  EXPECT_EQ(clashes(), 0U);
}

TEST_F(Failure, HungWorkerIsReplacedWithinTwoSeconds) {
  start_ctgated({.policy = "[gate]\nmax_hold = '20s'\n"});
  send_and_wait_until_held();
  const auto start = std::chrono::steady_clock::now();
  kill(worker(), SIGSTOP);
  expect_all_arrive();
  EXPECT_LT(std::chrono::steady_clock::now() - start, 3s);
  EXPECT_TRUE(eventually([&] { return counter("worker_restarts_total") == 1; }));
}

TEST_F(Failure, WorkerHungWhileIdleIsNoticedWhenTrafficComes) {
  start_ctgated();
  kill(worker(), SIGSTOP);
  for (const char* text : {"1", "2", "3", "4", "5"}) sender->send(text);
  expect_all_arrive();
  EXPECT_TRUE(eventually([&] { return counter("worker_restarts_total") == 1; }));
}

TEST_F(Failure, WorkerOfAKilledKeeperLetsEverythingGo) {
  start_ctgated();
  send_and_wait_until_held();
  kill(ctgated->pid(), SIGKILL);
  expect_all_arrive();
  EXPECT_TRUE(eventually([&] { return !is_queue_bound(5380); })) << "the worker goes too";
  for (const char* text : {"1", "2", "3", "4", "5"}) sender->send(text);
  expect_all_arrive();  // the rules are still there, and bypass
}

TEST_F(Failure, HungWorkerOfAKilledKeeperMakesRoomForANewStart) {
  start_ctgated();
  send_and_wait_until_held();
  const pid_t hung = worker();
  kill(hung, SIGSTOP);
  kill(ctgated->pid(), SIGKILL);
  ctgated.reset();
  ASSERT_TRUE(is_queue_bound(5380));
  start_ctgated();
  expect_all_arrive();
  EXPECT_NE(worker(), hung);
  EXPECT_NE(ctgated->log().find(fmt::format("held by a worker whose keeper is gone (process {})", hung)),
            std::string::npos);
}

TEST_F(Failure, StartAfterACrashTakesTheOldRulesOver) {
  start_ctgated();
  kill(ctgated->pid(), SIGKILL);
  EXPECT_TRUE(eventually([&] { return !is_queue_bound(5380); }));
  ctgated.reset();
  const auto before = rules();
  start_ctgated();
  EXPECT_EQ(rules(), before);
  send_and_wait_until_held();
  expect_all_arrive();
}

TEST_F(Failure, TerminationReleasesWhatIsHeldAndEmptiesTheRules) {
  start_ctgated();
  send_and_wait_until_held();
  EXPECT_EQ(ctgated->stop(), 0);
  expect_all_arrive();
  EXPECT_FALSE(is_queue_bound(5380));
  const auto left = must(gateway().nft("list table ip ctgate\n"));
  EXPECT_EQ(left.find("goto"), std::string::npos) << left;
  EXPECT_EQ(left.find("jump"), std::string::npos) << left;
}

// nf_queue_nf_hook_drop(): unregistering any hook of the namespace would drop what the third party holds.
TEST_F(Failure, StartReloadAndStopDropNothingThatAThirdPartyHolds) {
  const auto through = [&](const char* step, auto&& action) {
    SCOPED_TRACE(step);
    const auto seen = consumer->packets_seen();
    sender->send("x");
    ASSERT_TRUE(eventually([&] { return consumer->packets_seen() == seen + 1; }));
    action();
    EXPECT_EQ(receiver->receive(3s), "x");
  };
  through("first start", [&] { start_ctgated(); });
  through("reload", [&] {
    kill(ctgated->pid(), SIGHUP);
    EXPECT_TRUE(eventually([&] { return counter("reloads_total") == 1; }));
  });
  through("stop", [&] { ctgated.reset(); });
  through("second start", [&] { start_ctgated(); });
}

TEST_F(Failure, FlushedRulesetIsBackWithinASecond) {
  start_ctgated();
  const auto table = must(gateway().nft("list table ip ctgate\n"));
  must(gateway().nft("flush ruleset\n"));
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(eventually([&] { return counter("rules_restored_total") == 1; }));
  EXPECT_LT(std::chrono::steady_clock::now() - start, 1s);
  EXPECT_EQ(must(gateway().nft("list table ip ctgate\n")), table);
}

// A flush may come between the moment when rules are installed and the one when they are listed.
TEST_F(Failure, RulesAreBackAfterFlushesBackToBack) {
  start_ctgated();
  const auto table = must(gateway().nft("list table ip ctgate\n"));
  for (int round = 0; round < 6; ++round) {
    const auto flushed = must(gateway().run([] {
      return run_program({"timeout", "1", "sh", "-c", "while nft flush ruleset; do :; done"});
    }));
    EXPECT_EQ(flushed.exit_code, 124) << flushed.output;
    const auto back = [&] { return gateway().nft("list table ip ctgate\n").value_or("") == table; };
    EXPECT_TRUE(eventually(back, 1s)) << "round " << round;
  }
  EXPECT_GT(counter("rules_restored_total"), 0U);
}

TEST_F(Failure, OneFlushedChainIsNoticedToo) {
  start_ctgated();
  must(gateway().nft("flush chain ip6 ctgate gate\n"));
  EXPECT_TRUE(eventually([&] { return counter("rules_restored_total") == 1; }));
}

TEST_F(Failure, RulesOfOthersAreNoReasonToDoAnything) {
  start_ctgated();
  must(gateway().nft("add table ip somebody\nadd chain ip somebody input { type filter hook input priority 0; }\n"));
  kill(ctgated->pid(), SIGHUP);
  ASSERT_TRUE(eventually([&] { return counter("reloads_total") == 1; }));
  std::this_thread::sleep_for(300ms);  // longer than the keeper lets changes settle
  EXPECT_EQ(counter("rules_restored_total"), 0U);
}

TEST_F(Failure, BadPolicyOnReloadLeavesTheRunningOne) {
  start_ctgated({.policy = "[gate]\nmax_hold = '900ms'\n"});
  const auto before = rules();
  must(run_program({"sh", "-c", "echo 'queue = x' > " + ctgated->policy_path().string()}));
  kill(ctgated->pid(), SIGHUP);
  ASSERT_TRUE(eventually([&] { return counter("failed_reloads_total") == 1; }));
  EXPECT_NE(ctgated->log().find("policy.toml:1:"), std::string::npos) << ctgated->log();
  EXPECT_EQ(rules(), before);
  send_and_wait_until_held();
  expect_all_arrive();
}

TEST_F(Failure, ReloadAddsAndRemovesTheQueueOfRepliedRules) {
  start_ctgated();
  const auto reload = [&](const std::string& policy, std::uint64_t count) {
    must(run_program({"sh", "-c", "cat > " + ctgated->policy_path().string()}, {.input = policy}));
    kill(ctgated->pid(), SIGHUP);
    ASSERT_TRUE(eventually([&] { return counter("reloads_total") == count; })) << ctgated->log();
  };
  reload("[[rule]]\nname='order'\nrelease='replied'\n", 1);
  EXPECT_TRUE(is_queue_bound(5381));
  reload("", 2);
  EXPECT_FALSE(is_queue_bound(5381));
  EXPECT_TRUE(is_queue_bound(5380));
  send_and_wait_until_held();
  expect_all_arrive();
}

TEST_F(Failure, ReloadThatWouldChangeWhatAQueueWaitsForIsRefused) {
  start_ctgated({.policy = "[[rule]]\nname='order'\nrelease='replied'\n"});
  must(run_program({"sh", "-c", "cat > " + ctgated->policy_path().string()},
                   {.input = "[daemon]\nqueues = 2\n[[rule]]\nname='order'\nrelease='replied'\n"}));
  kill(ctgated->pid(), SIGHUP);
  ASSERT_TRUE(eventually([&] { return counter("failed_reloads_total") == 1; }));
  EXPECT_NE(ctgated->log().find("takes effect only after a restart"), std::string::npos) << ctgated->log();
  EXPECT_TRUE(is_queue_bound(5380) && is_queue_bound(5381) && !is_queue_bound(5382));
}

TEST_F(Failure, ReloadChangesTheLimitsOfTheRunningWorker) {
  start_ctgated();
  const pid_t before = worker();
  must(run_program({"sh", "-c", "cat > " + ctgated->policy_path().string()}, {.input = "[gate]\nheld_per_flow = 1\n"}));
  kill(ctgated->pid(), SIGHUP);
  ASSERT_TRUE(eventually([&] { return counter("reloads_total") == 1; }));
  for (const char* text : {"1", "2", "3", "4", "5"}) sender->send(text);
  EXPECT_TRUE(eventually([&] { return counter("overflow_total") == 3; }));
  expect_all_arrive();
  EXPECT_EQ(worker(), before);
}

// Voluntary context switches of a process: it slept and was woken.
long wake_ups(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/status", pid));
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("voluntary_ctxt_switches:")) return std::stol(line.substr(line.find(':') + 1));
  }
  throw std::runtime_error("no voluntary_ctxt_switches");
}

TEST_F(Failure, IdleDaemonSleeps) {
  start_ctgated();
  send_and_wait_until_held();
  expect_all_arrive();
  const pid_t processes[] = {ctgated->pid(), worker()};
  // Within seconds after the traffic nobody has a deadline any more.
  EXPECT_TRUE(eventually(
      [&] {
        const long before = wake_ups(processes[0]) + wake_ups(processes[1]);
        std::this_thread::sleep_for(1500ms);
        return wake_ups(processes[0]) + wake_ups(processes[1]) == before;
      },
      10s));
}

TEST_F(Failure, WithoutConntrackEventsLookupsDoTheWork) {
  must(gateway().set_sysctl("net/netfilter/nf_conntrack_events", "0"));
  start_ctgated();
  send_and_wait_until_held();
  expect_all_arrive();
  EXPECT_EQ(counter("events_total"), 0U);
  EXPECT_EQ(counter("promoted_total"), 0U);
  EXPECT_EQ(clashes(), 0U);

  kill(ctgated->pid(), SIGHUP);
  ASSERT_TRUE(eventually([&] { return counter("reloads_total") == 1; }));
  const std::string log = ctgated->log(), warning = "nf_conntrack_events is 0";
  const auto found = log.find(warning);
  EXPECT_NE(found, std::string::npos);
  EXPECT_EQ(log.find(warning, found + 1), std::string::npos) << "once is enough";
}

}  // namespace
}  // namespace ctgate::test

// SPDX-License-Identifier: GPL-2.0-or-later
// Workers and keepers that are killed while traffic flows.
#include <signal.h>

#include <atomic>
#include <thread>

#include "tests/support/gateway_test.hh"

namespace ctgate::test {
namespace {

using namespace std::chrono_literals;

class Load : public GatewayTest {};

TEST_F(Load, NoDatagramIsLostOverAHundredWorkerKills) {
  constexpr std::uint64_t kills = 100;
  nat(lab::nat::masquerade(Family::ipv4, false));
  third_party({.delay = 3ms});
  serve();
  start_ctgated();
  // Kills for as long as bursts go on; each worker lives long enough to hold something.
  std::atomic<bool> done = false;
  std::uint64_t killed = 0;
  std::thread killer([&] {
    pid_t last = 0;
    while (!done && killed < kills) {
      const auto status = ctgated->status();
      const auto& worker = status->at("queues").at(0).at("worker_pid");
      const pid_t pid = worker.is_null() ? last : worker.get<pid_t>();
      if (pid != last && kill(pid, SIGKILL) == 0) ++killed;
      last = pid;
      std::this_thread::sleep_for(150ms);
    }
    done = true;
  });
  std::uint64_t sent = 0, lost = 0;
  while (!done) {
    const auto result = burst({.flows = 20, .datagrams = 8, .flow_spacing = 2ms, .answer_deadline = 3s});
    sent += result.sent;
    lost += result.lost;
  }
  killer.join();
  EXPECT_EQ(lost, 0U) << "of " << sent;
  EXPECT_EQ(killed, kills);
  EXPECT_TRUE(eventually([&] { return counter("worker_restarts_total") == kills; }));
  EXPECT_GT(counter("held_total"), kills);
}

TEST_F(Load, NoDatagramIsLostOverThirtyKeeperKills) {
  nat(lab::nat::masquerade(Family::ipv4, false));
  third_party({.delay = 20ms});
  serve();
  std::uint64_t sent = 0, lost = 0, held = 0;
  for (int i = 0; i < 30; ++i) {
    start_ctgated();
    std::thread killer([&] {
      std::this_thread::sleep_for(150ms);
      held += counter("held_total");
      kill(ctgated->pid(), SIGKILL);
    });
    const auto result = burst({.flows = 100, .datagrams = 6, .flow_spacing = 3ms, .answer_deadline = 3s});
    killer.join();
    sent += result.sent;
    lost += result.lost;
    ctgated.reset();
  }
  EXPECT_EQ(lost, 0U) << "of " << sent;
  EXPECT_GT(held, 30U);
}

}  // namespace
}  // namespace ctgate::test

// SPDX-License-Identifier: GPL-2.0-or-later
// Many threads at once in the gate's tables: no follower goes before its leader has departed, and ThreadSanitizer has
// nothing to say (preset tsan).
#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "shim/gate.hh"

namespace ctgate::shim {
namespace {

constexpr int flows = 400, thread_count = 6, sends = 20;  // sends: of each thread, on each flow
constexpr std::uint64_t transit = 300;                    // us that a datagram stays in the stack

std::uint64_t now_us() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(since).count());
}

// A kernel with one flow a socket, whose first datagram takes its time.
class SlowKernel {
 public:
  std::atomic<std::uint64_t> led_at[flows] = {};  // us; 0: nothing was sent

  // Of the flow's first datagram at the time of this one; the first itself counts as departed.
  bool send(int fd) {
    std::uint64_t none = 0;
    const std::uint64_t now = now_us();
    if (led_at[fd].compare_exchange_strong(none, now)) return true;
    return now - none >= transit;
  }

  [[nodiscard]] std::uint32_t tick() const { return static_cast<std::uint32_t>(now_us() / 1000); }
  [[nodiscard]] std::uint64_t microseconds() const { return now_us(); }
  [[nodiscard]] std::uint16_t thread_tag() const { return tag; }
  [[nodiscard]] image::User user() const { return 0; }
  [[nodiscard]] int cookie(int fd, std::uint64_t& cookie) const {
    cookie = static_cast<std::uint64_t>(fd) + 1;
    return 0;
  }
  [[nodiscard]] bool is_udp(int) const { return true; }
  [[nodiscard]] bool peer(int, void*, socklen_t*) const { return false; }
  [[nodiscard]] bool corked(int) const { return false; }
  [[nodiscard]] int outq(int fd) const { return now_us() - led_at[fd] < transit ? 832 : 0; }
  [[nodiscard]] bool replied(int, std::uint32_t) const { return false; }
  void note_replies(int) const {}
  void pause(std::uint64_t us) const { std::this_thread::sleep_for(std::chrono::microseconds(us)); }
  void wait_readable(int, std::uint64_t) const {}
  void held(const image::Destination&, std::uint64_t, bool) const {}

  static thread_local std::uint16_t tag;
};
thread_local std::uint16_t SlowKernel::tag = 0;

TEST(ShimStress, NoFollowerOvertakesItsLeader) {
  const auto kernel = std::make_unique<SlowKernel>();
  const auto tables = std::make_unique<Tables>();
  Settings settings;
  settings.max_wait = 10'000;
  Status status{};
  Gate<SlowKernel> gate(*kernel, settings, *tables, status);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(53);
  name.sin_addr.s_addr = htonl(0xc0000201);  // 192.0.2.1

  std::atomic<unsigned> early{0};
  std::barrier flow_begins(thread_count);
  std::vector<std::thread> threads;
  for (int i = 0; i < thread_count; ++i) {
    threads.emplace_back([&, i] {
      SlowKernel::tag = static_cast<std::uint16_t>(i + 1);
      for (int fd = 0; fd < flows; ++fd) {
        const auto send = [&] {
          if (!kernel->send(fd)) ++early;
          return ssize_t{1};
        };
        flow_begins.arrive_and_wait();
        for (int round = 0; round < sends; ++round) gate.send_one(fd, &name, sizeof name, 0, send);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(early, 0U);
  EXPECT_EQ(status.flows, static_cast<std::uint64_t>(flows)) << "leaders";
  EXPECT_EQ(status.timed_out, 0U);
  EXPECT_EQ(status.overflow, 0U);
  EXPECT_GT(status.held, 0U);
}

}  // namespace
}  // namespace ctgate::shim

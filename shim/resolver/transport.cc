// SPDX-License-Identifier: GPL-2.0-or-later
#include "shim/resolver/transport.hh"

#include <sys/random.h>
#include <time.h>

#include <atomic>

namespace ctgate::resolver {
namespace {

// Once a server has answered only one question, glibc asks one at a time in that thread for the rest of the program.
std::atomic<bool> one_at_a_time{false};

}  // namespace

bool must_ask_one_at_a_time() {
  return one_at_a_time.load(std::memory_order_relaxed);
}

void ask_one_at_a_time_from_now_on() {
  one_at_a_time.store(true, std::memory_order_relaxed);
}

// Where the kernel provides no random numbers (a sandbox), the time has to do: correctness only requires that the two
// differ.
Ids make_ids() {
  Ids ids{};
  auto& values = ids.values;
  if (getrandom(values, sizeof values, GRND_NONBLOCK) != static_cast<ssize_t>(sizeof values)) {
    timespec time{};
    clock_gettime(CLOCK_REALTIME, &time);
    values[0] = static_cast<std::uint16_t>(time.tv_nsec >> 3 ^ time.tv_sec);
    values[1] = static_cast<std::uint16_t>(~values[0]);
  }
  if (values[0] == values[1]) values[1] ^= 1;
  return ids;
}

}  // namespace ctgate::resolver

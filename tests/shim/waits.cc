// SPDX-License-Identifier: GPL-2.0-or-later
// How long datagrams take to be sent: "follower_us" is the median time of the second of each flow, "longest_us" the
// longest time of any. Usage: waits CASE ADDRESS. Prints sent=N too.
#include <poll.h>

#include <algorithm>
#include <vector>

#include "tests/shim/program.hh"

namespace {

using namespace program;

std::vector<long> followers;
long longest = 0, sent = 0;

long timed_send(int fd, unsigned flow, unsigned index) {
  const long start = microseconds();
  send_mark(fd, flow, index);
  const long took = microseconds() - start;
  longest = std::max(longest, took);
  ++sent;
  return took;
}

void report() {
  if (!followers.empty()) {
    std::sort(followers.begin(), followers.end());
    print("follower_us", followers[followers.size() / 2]);
  }
  print("longest_us", longest);
  print("sent", sent);
}

void read_answer(int fd) {
  char bytes[64];
  pollfd readable{fd, POLLIN, 0};
  require(poll(&readable, 1, 5000) == 1, "the answer");
  require(recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0, "recv");
}

// One datagram a flow.
void single() {
  for (unsigned flow = 0; flow < 50; ++flow) timed_send(open_connected(), flow, 0);
  report();
}

// Two, one behind the other.
void pairs() {
  for (unsigned flow = 0; flow < 10; ++flow) {
    const int fd = open_connected();
    timed_send(fd, flow, 0);
    followers.push_back(timed_send(fd, flow, 1));
  }
  report();
}

// Two, the second when the answer to the first was read.
void answered() {
  for (unsigned flow = 0; flow < 10; ++flow) {
    const int fd = open_connected();
    timed_send(fd, flow, 0);
    read_answer(fd);
    followers.push_back(timed_send(fd, flow, 1));
  }
  report();
}

// Five, all at once; the later ones know the flow.
void five() {
  const int fd = open_connected();
  timed_send(fd, 0, 0);
  followers.push_back(timed_send(fd, 0, 1));
  longest = 0;
  for (unsigned index = 2; index < 5; ++index) timed_send(fd, 0, index);
  report();
}

// A flow that conntrack knows, at full speed.
void stream() {
  const int fd = open_connected();
  send_mark(fd, 0, 0);
  read_answer(fd);
  sent = 1;
  for (unsigned index = 1; index <= 200; ++index) followers.push_back(timed_send(fd, 0, index));
  report();
}

constexpr Case cases[] = {
    {"single", single}, {"pairs", pairs}, {"answered", answered}, {"five", five}, {"stream", stream},
};

}  // namespace

int main(int argc, char** argv) {
  return run_case(argc, argv, cases);
}

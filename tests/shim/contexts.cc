// SPDX-License-Identifier: GPL-2.0-or-later
// Sends from where programs send although a library might not expect it: children, signal handlers, atfork handlers.
// Each prints sent=N, the number of datagrams that must arrive.
#include <pthread.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <atomic>
#include <csignal>
#include <thread>
#include <vector>

#include "tests/shim/program.hh"

namespace {

using namespace program;

void wait_for_child(pid_t child) {
  int status = -1;
  require(waitpid(child, &status, 0) == child && status == 0, "a child");
}

// --- fork ------------------------------------------------------------------------------------------------------------

// One thread begins flows as fast as it may, while the main thread forks children that send on the last flow and on
// their own.
void fork_while_sending() {
  constexpr unsigned children = 40, most_flows = 900, own_flows = 10'000;
  static int sockets[most_flows];
  std::atomic<unsigned> led{0};
  std::atomic<bool> done{false};
  unsigned flows = 0;
  std::thread sender([&] {
    for (; flows < most_flows && !done; ++flows) {
      sockets[flows] = open_connected();
      send_mark(sockets[flows], flows, 0);
      led = flows + 1;
      send_mark(sockets[flows], flows, 1);
      send_mark(sockets[flows], flows, 2);
    }
  });
  wait_until([&] { return led > 0; }, "the first flow");
  std::vector<pid_t> running;
  for (unsigned i = 0; i < children; ++i) {
    const unsigned last = led - 1;  // fork(2) copies descriptors before memory
    const pid_t child = fork();
    require(child >= 0, "fork");
    if (child == 0) {
      send_mark(sockets[last], last, 3);
      const int fd = open_connected();
      for (unsigned index = 0; index < 3; ++index) send_mark(fd, own_flows + i, index);
      _exit(0);
    }
    running.push_back(child);
  }
  for (const pid_t child : running) wait_for_child(child);
  done = true;
  sender.join();
  print("sent", flows * 3 + children * 4);
}

[[gnu::noinline]] pid_t send_from_vfork(int fd, const Mark& payload) {
  const pid_t child = vfork();
  if (child == 0) {
    const bool done =
        send(fd, payload.data(), payload.size(), 0) > 0 && send(fd, payload.data(), payload.size(), 0) > 0;
    _exit(done ? 0 : 1);
  }
  return child;
}

// The child borrows its parent's memory, and with it the library's.
void vfork_child() {
  constexpr unsigned flows = 10;
  for (unsigned flow = 0; flow < flows; ++flow) {
    const int fd = open_connected();
    if (flow % 2 == 0) send_mark(fd, flow, 0);  // else the child's is the first one
    const pid_t child = send_from_vfork(fd, mark(flow, 1));
    require(child > 0, "vfork");
    send_mark(fd, flow, 2);
    wait_for_child(child);
  }
  print("sent", flows * 3 + flows / 2);
}

// --- signals ---------------------------------------------------------------------------------------------------------

int handler_fd = -1;
unsigned handler_flow = 0, handler_index = 0;
volatile sig_atomic_t handled = 0;

void send_in_handler(int) {
  const int saved = errno;
  send_mark(handler_fd, handler_flow, handler_index++);
  handled = handled + 1;
  errno = saved;
}

// Without SA_RESTART, as a program that wants its calls to be interrupted.
void on_signal(int number, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  require(sigaction(number, &action, nullptr) == 0, "sigaction");
}

void alarm_in(long us) {
  const itimerval once{{0, 0}, {0, us}};
  require(setitimer(ITIMER_REAL, &once, nullptr) == 0, "setitimer");
}

// The handler sends on the socket on which the main thread waits, half way through that wait.
void signal_while_waiting() {
  constexpr unsigned flows = 10;
  on_signal(SIGALRM, send_in_handler);
  for (unsigned flow = 0; flow < flows; ++flow) {
    const int fd = open_connected();
    handler_fd = fd;
    handler_flow = flow;
    handler_index = 2;
    handled = 0;
    send_mark(fd, flow, 0);
    alarm_in(2000);
    errno = 4711;
    send_mark(fd, flow, 1);
    require(errno == 4711, "errno is kept");
    wait_until([] { return handled == 1; }, "the handler");
  }
  print("sent", flows * 3);
}

long longest_in_handler = 0;

void send_past_full_buffer(int) {
  const int saved = errno;
  const int room = 1 << 20;
  const long start = microseconds();
  require(setsockopt(handler_fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room) == 0, "SO_SNDBUF");
  send_mark_to(handler_fd, service, handler_flow, handler_index++);
  longest_in_handler = microseconds() - start;
  handled = handled + 1;
  errno = saved;
}

// The main thread is inside the system call with the first datagram of a flow, because the socket's buffer is full; the
// handler sends the second one, and must not wait for what can't go on before it returns.
void signal_inside_send() {
  const int fd = open_socket();
  const int little = 1;
  require(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &little, sizeof little) == 0, "SO_SNDBUF");
  unsigned port = 20'000;
  const auto fill = [&] {
    const auto name = with_port(service, port++);
    return sendto(fd, "x", 1, MSG_DONTWAIT, generic(name), sizeof name) == 1;
  };
  while (fill()) {
  }
  require(errno == EAGAIN, "a full buffer");
  on_signal(SIGALRM, send_past_full_buffer);
  handler_fd = fd;
  handler_flow = 0;
  handler_index = 1;
  alarm_in(20'000);
  const auto payload = mark(0, 0);
  ssize_t sent = -1;
  do {
    sent = sendto(fd, payload.data(), payload.size(), 0, generic(service), sizeof service);
  } while (sent < 0 && errno == EINTR);
  require(sent == static_cast<ssize_t>(payload.size()), "sendto");
  wait_until([] { return handled == 1; }, "the handler");
  print("in_handler_us", longest_in_handler);
  print("sent", 2);
}

// --- atfork ----------------------------------------------------------------------------------------------------------

void raise_in_atfork() {
  raise(SIGUSR1);
}

// Signals inside all three atfork handlers, each of which sends.
void signal_in_atfork() {
  constexpr unsigned flows = 20;
  on_signal(SIGUSR1, send_in_handler);
  require(pthread_atfork(raise_in_atfork, raise_in_atfork, raise_in_atfork) == 0, "pthread_atfork");
  for (unsigned flow = 0; flow < flows; ++flow) {
    const int fd = open_connected();
    handler_fd = fd;
    handler_flow = flow;
    handler_index = 1;
    send_mark(fd, flow, 0);
    const pid_t child = fork();
    require(child >= 0, "fork");
    if (child == 0) {
      send_mark(fd, flow, 10);
      _exit(0);
    }
    wait_for_child(child);
  }
  require(handled == 2 * static_cast<int>(flows), "two signals a fork in the parent");
  print("sent", flows * 5);
}

constexpr Case cases[] = {
    {"fork", fork_while_sending},
    {"vfork", vfork_child},
    {"signal-waiting", signal_while_waiting},
    {"signal-inside", signal_inside_send},
    {"signal-atfork", signal_in_atfork},
};

}  // namespace

int main(int argc, char** argv) {
  return run_case(argc, argv, cases);
}

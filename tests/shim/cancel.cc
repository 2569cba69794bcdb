// SPDX-License-Identifier: GPL-2.0-or-later
// Threads that are cancelled on their way through a send. Destructors and clean-up handlers must run, and others must
// be able to send afterwards. Prints sent=N, and times.
#include <fcntl.h>
#include <pthread.h>
#include <sys/syscall.h>

#include <atomic>
#include <string>

#include "tests/shim/program.hh"

namespace {

using namespace program;

int fd = -1;
std::atomic<pid_t> tid{0};       // of the thread, once it is about to make the call in which it will be cancelled
std::atomic<int> destroyed{0};   // destructors that ran
std::atomic<int> cleaned_up{0};  // clean-up handlers that ran

struct Guard {
  Guard() = default;
  ~Guard() { ++destroyed; }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;
};

void clean_up(void*) {
  ++cleaned_up;
}

template <typename Body>
void with_clean_up(Body body) {
  const Guard guard;
  pthread_cleanup_push(clean_up, nullptr);
  body();
  pthread_cleanup_pop(0);
}

// Inside the wait for the departure of the first datagram.
void* cancelled_while_waiting(void*) {
  with_clean_up([] {
    send_mark_to(fd, service, 0, 0);
    tid = static_cast<pid_t>(syscall(SYS_gettid));
    send_mark_to(fd, service, 0, 1);
    for (;;) pause_for(1000);  // a cancellation point, for the run without the library
  });
  return nullptr;
}

// Inside the system call with the first datagram, which the full buffer stops.
void* cancelled_in_call(void*) {
  with_clean_up([] {
    tid = static_cast<pid_t>(syscall(SYS_gettid));
    send_mark_to(fd, service, 0, 0);
  });
  return nullptr;
}

// State S in proc(5): nothing but the send can have stopped it.
bool sleeps(pid_t thread) {
  char line[256] = {};
  const std::string path = "/proc/self/task/" + std::to_string(thread) + "/stat";
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  require(file >= 0 && read(file, line, sizeof line - 1) > 0, path.c_str());
  close(file);
  const char* end = std::strrchr(line, ')');
  return end != nullptr && end[2] == 'S';
}

void cancel(void* (*body)(void*), bool asleep) {
  pthread_t thread{};
  require(pthread_create(&thread, nullptr, body, nullptr) == 0, "pthread_create");
  wait_until([&] { return tid != 0 && (!asleep || sleeps(tid)); }, "the thread");
  const long start = microseconds();
  require(pthread_cancel(thread) == 0, "pthread_cancel");
  void* result = nullptr;
  require(pthread_join(thread, &result) == 0, "pthread_join");
  print("join_us", microseconds() - start);
  require(result == PTHREAD_CANCELED, "the thread was cancelled");
  require(destroyed == 1, "the destructor ran");
  require(cleaned_up == 1, "the clean-up handler ran");
}

void* send_last(void*) {
  send_mark_to(fd, service, 0, 2);
  return nullptr;
}

// From a thread with a stack of its own: the cancelled one's would make it look like the same thread.
void send_from_another_thread() {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 256 * 1024);
  const long start = microseconds();
  pthread_t thread{};
  require(pthread_create(&thread, &attributes, send_last, nullptr) == 0, "pthread_create");
  require(pthread_join(thread, nullptr) == 0, "pthread_join");
  print("next_us", microseconds() - start);
}

void waiting() {
  fd = open_socket();
  cancel(cancelled_while_waiting, false);
  send_from_another_thread();
}

void inside() {
  fd = open_socket();
  const int little = 1, much = 1 << 20;
  require(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &little, sizeof little) == 0, "SO_SNDBUF");
  for (unsigned port = 20'000;; ++port) {
    const auto name = with_port(service, port);
    if (sendto(fd, "x", 1, MSG_DONTWAIT, generic(name), sizeof name) != 1) break;
  }
  require(errno == EAGAIN, "a full buffer");
  cancel(cancelled_in_call, true);
  require(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &much, sizeof much) == 0, "SO_SNDBUF");
  send_from_another_thread();
}

constexpr Case cases[] = {{"waiting", waiting}, {"inside", inside}};

}  // namespace

int main(int argc, char** argv) {
  return run_case(argc, argv, cases);
}

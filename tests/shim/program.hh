// SPDX-License-Identifier: GPL-2.0-or-later
// What the programs that run under the preload library have in common. They are written like other people's, and know
// nothing of ctgate, except for the marks by which the lab's servers tell the datagrams apart.
//
// Usage of each: PROGRAM CASE ADDRESS [OTHER-ADDRESS]. It prints lines "key=number" and exits with 0, or with 10 after
// a message if something went wrong.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>

#include "daemon/lab/arrival.hh"

namespace program {

using Mark = std::array<std::uint8_t, ctgate::lab::mark_size>;

inline sockaddr_in service{};  // ADDRESS, port 9000
inline sockaddr_in other{};    // OTHER-ADDRESS, port 9000

inline void require(bool done, const char* what) {
  if (done) return;
  std::perror(what);
  std::_Exit(10);
}

inline const sockaddr* generic(const sockaddr_in& name) {
  return reinterpret_cast<const sockaddr*>(&name);
}

inline sockaddr_in with_port(sockaddr_in name, unsigned port) {
  name.sin_port = htons(static_cast<std::uint16_t>(port));
  return name;
}

inline int open_socket() {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  require(fd >= 0, "socket");
  return fd;
}

inline int open_connected(const sockaddr_in& peer = service) {
  const int fd = open_socket();
  require(connect(fd, generic(peer), sizeof peer) == 0, "connect");
  return fd;
}

// One datagram each; async-signal-safe.
inline Mark mark(unsigned flow, unsigned index) {
  return ctgate::lab::encode({flow, index});
}
inline void send_mark(int fd, unsigned flow, unsigned index) {
  const auto payload = mark(flow, index);
  require(send(fd, payload.data(), payload.size(), 0) == static_cast<ssize_t>(payload.size()), "send");
}
inline void send_mark_to(int fd, const sockaddr_in& name, unsigned flow, unsigned index) {
  const auto payload = mark(flow, index);
  const auto sent = sendto(fd, payload.data(), payload.size(), 0, generic(name), sizeof name);
  require(sent == static_cast<ssize_t>(payload.size()), "sendto");
}

inline long microseconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000 + now.tv_nsec / 1000;
}

inline void pause_for(long us) {
  const timespec time{us / 1'000'000, us % 1'000'000 * 1000};
  nanosleep(&time, nullptr);
}

// Polls until `condition` holds; the program fails if it does not within 5 s.
template <typename Condition>
void wait_until(Condition condition, const char* what) {
  const long end = microseconds() + 5'000'000;
  while (!condition()) {
    require(microseconds() < end, what);
    pause_for(500);
  }
}

inline void print(const char* key, long value) {
  std::printf("%s=%ld\n", key, value);
}

struct Case {
  std::string_view name;
  void (*run)();
};

inline int run_case(int argc, char** argv, std::span<const Case> cases) {
  require(argc >= 3, "usage: PROGRAM CASE ADDRESS [OTHER-ADDRESS]");
  for (int i = 2; i < argc && i < 4; ++i) {
    auto& name = i == 2 ? service : other;
    name.sin_family = AF_INET;
    name.sin_port = htons(9000);
    require(inet_pton(AF_INET, argv[i], &name.sin_addr) == 1, argv[i]);
  }
  for (const auto& one : cases) {
    if (one.name != argv[1]) continue;
    one.run();
    return 0;
  }
  std::fprintf(stderr, "no such case: %s\n", argv[1]);
  return 2;
}

}  // namespace program

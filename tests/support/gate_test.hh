// SPDX-License-Identifier: GPL-2.0-or-later
// Fixture of the gate's unit tests: a kernel that the test plays, in which time passes only while the gate waits.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <memory>
#include <vector>

#include "policy/image/compile.hh"
#include "shim/gate.hh"

namespace ctgate::shim {

struct FakeKernel {
  std::uint64_t now = 1'000'000'000;  // us
  bool fine_clock_stands = false;
  std::uint16_t thread = 7;
  std::uint64_t cookies[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  int cookie_error = 0;
  bool udp = true;
  sockaddr_in peer_name{};
  bool has_peer = true;
  bool is_corked = false;
  std::uint64_t departs = 0;  // us, when the socket is empty again
  int outq_error = 0;
  std::uint64_t reply = ~0ULL;  // us, when an answer arrives
  int replies_noted = 0;
  int questions = 0;  // system calls
  int pauses = 0;
  std::vector<std::uint64_t> held_for;
  std::function<void()> during_pause;  // what other threads do meanwhile

  std::uint32_t tick() const { return static_cast<std::uint32_t>(now / 1000); }
  std::uint64_t microseconds() const { return fine_clock_stands ? 5 : now; }
  std::uint16_t thread_tag() const { return thread; }
  image::User user() const { return 1000; }
  int cookie(int fd, std::uint64_t& value) {
    ++questions;
    value = cookies[fd];
    return cookie_error;
  }
  bool is_udp(int) {
    ++questions;
    return udp;
  }
  bool peer(int, void* name, socklen_t* length) {
    ++questions;
    std::memcpy(name, &peer_name, sizeof peer_name);
    *length = sizeof peer_name;
    return has_peer;
  }
  bool corked(int) { return is_corked; }
  int outq(int) {
    ++questions;
    if (outq_error != 0) return -outq_error;
    return now < departs ? 832 : 0;
  }
  bool replied(int, std::uint32_t) const { return now >= reply; }
  void note_replies(int) { ++replies_noted; }
  void pause(std::uint64_t us) {
    ++pauses;
    now += us;
    if (during_pause) during_pause();
  }
  void wait_readable(int, std::uint64_t us) { pause(us); }
  void held(const Destination&, std::uint64_t us, bool) { held_for.push_back(us); }
};

inline sockaddr_in address(const char* text, std::uint16_t port = 53) {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(port);
  inet_pton(AF_INET, text, &name.sin_addr);
  return name;
}

class GateTest : public ::testing::Test {
 protected:
  static constexpr int fd = 3;
  static constexpr std::uint64_t ms = 1000;

  GateTest() {
    settings.log = true;
    kernel.peer_name = address("192.0.2.53");
    tables->descriptors.reset(fd, SocketKind::udp);
    tables->descriptors.reset(fd + 1, SocketKind::udp);
  }

  // Sends one datagram; the result is how long the call took, in microseconds. A datagram stays in the stack for
  // `verdict` after it was sent.
  std::uint64_t send(int from = fd, int flags = 0, ssize_t result = 1) { return send_to(nullptr, from, flags, result); }
  std::uint64_t send_to(const sockaddr_in* name, int from = fd, int flags = 0, ssize_t result = 1) {
    const auto start = kernel.now;
    const auto got = gate.send_one(from, name, name == nullptr ? 0 : sizeof *name, flags, [&] {
      if (result > 0) kernel.departs = kernel.now + verdict;
      return result;
    });
    EXPECT_EQ(got, result);
    return kernel.now - start;
  }
  void pass_time(std::uint64_t us) { kernel.now += us; }

  void use_policy(const Policy& policy) {
    image_bytes = compile_policy(policy).value().image;
    ASSERT_EQ(image::View::open(image_bytes.data(), image_bytes.size(), settings.image), image::Fault::none);
    settings.has_image = true;
    settings.max_wait = settings.image.header().max_wait;
  }

  std::uint64_t verdict = 5 * ms;
  FakeKernel kernel;
  Settings settings;
  std::unique_ptr<Tables> tables = std::make_unique<Tables>();
  Status status{};
  Gate<FakeKernel> gate{kernel, settings, *tables, status};
  std::vector<std::byte> image_bytes;
};

}  // namespace ctgate::shim

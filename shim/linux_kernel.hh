// SPDX-License-Identifier: GPL-2.0-or-later
// The gate's questions to the kernel. All are system calls without libc, safe in a signal handler; errno is not
// touched.
#pragma once

#include <sys/socket.h>
#include <time.h>

#include <cstdint>

#include "policy/image/image.hh"

namespace ctgate::shim {

class LinuxKernel {
 public:
  // Milliseconds of CLOCK_MONOTONIC_COARSE, which costs a few nanoseconds; it stands still for up to 10 ms.
  [[nodiscard]] std::uint32_t tick() const {
    timespec time;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
    return static_cast<std::uint32_t>(time.tv_sec) * 1000U + static_cast<std::uint32_t>(time.tv_nsec) / 1'000'000U;
  }
  [[nodiscard]] std::uint64_t microseconds() const;  // CLOCK_MONOTONIC

  // 10 bits that tell the calling thread from most others; the same inside a signal handler.
  [[nodiscard]] std::uint16_t thread_tag() const;
  [[nodiscard]] image::User user() const;  // effective user id

  // SO_COOKIE (socket(7)): one number per socket, whichever descriptors it has in whichever processes. 0 or an errno
  // value: ENOPROTOOPT before Linux 4.12.
  [[nodiscard]] int cookie(int fd, std::uint64_t& cookie) const;
  [[nodiscard]] bool is_udp(int fd) const;  // SO_PROTOCOL
  [[nodiscard]] bool peer(int fd, void* name, socklen_t* length) const;
  [[nodiscard]] bool corked(int fd) const;  // UDP_CORK, udp(7)

  // SIOCOUTQ on a UDP socket (net/ipv4/udp.c, udp_ioctl()): bytes charged for datagrams that are in the stack, for
  // example held by an NFQUEUE consumer, or in the device's queue. Negative: the question failed.
  [[nodiscard]] int outq(int fd) const;

  // Whether an answer has come in the last `since` milliseconds: it waits to be read, or was read. Read ones are found
  // by SIOCGSTAMPNS (net/core/sock.c, sock_gettstamp()), exact once note_replies() was called for the socket.
  [[nodiscard]] bool replied(int fd, std::uint32_t since) const;
  void note_replies(int fd) const;

  void pause(std::uint64_t us) const;
  void wait_readable(int fd, std::uint64_t us) const;

  // One line to descriptor 2.
  void held(const image::Destination& destination, std::uint64_t us, bool timed_out) const;
};

}  // namespace ctgate::shim

// SPDX-License-Identifier: GPL-2.0-or-later
#include "shim/linux_kernel.hh"

#include <linux/net.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <time.h>

#include "shim/destination.hh"
#include "shim/log.hh"
#include "shim/syscall.hh"

namespace ctgate::shim {
namespace {

// timespec and timeval as these system calls take them on every architecture: two longs.
struct KernelTime {
  long seconds;
  long nanoseconds;
};

long get_option(int fd, int level, int name, void* value, socklen_t size) {
  return socket_call(__NR_getsockopt, SYS_GETSOCKOPT, fd, level, name, word(value), word(&size));
}

// Nanoseconds; the old ioctl number gives two longs. 0: nothing was read from this socket yet, or we may not ask.
std::uint64_t last_received(int fd) {
  constexpr long siocgstampns_old = 0x8907;  // of asm-generic/sockios.h
  KernelTime time{};
  if (raw_syscall(__NR_ioctl, fd, siocgstampns_old, word(&time)) < 0) return 0;
  return static_cast<std::uint64_t>(time.seconds) * 1'000'000'000U + static_cast<std::uint64_t>(time.nanoseconds);
}

}  // namespace

std::uint64_t LinuxKernel::microseconds() const {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000U + static_cast<std::uint64_t>(time.tv_nsec) / 1000U;
}

std::uint16_t LinuxKernel::thread_tag() const {
  return static_cast<std::uint16_t>(mix(static_cast<std::uint64_t>(pthread_self())) & 0x3ffU);
}

image::User LinuxKernel::user() const {
#ifdef __NR_geteuid32
  return static_cast<image::User>(raw_syscall(__NR_geteuid32));
#else
  return static_cast<image::User>(raw_syscall(__NR_geteuid));
#endif
}

int LinuxKernel::cookie(int fd, std::uint64_t& cookie) const {
  return static_cast<int>(-get_option(fd, SOL_SOCKET, SO_COOKIE, &cookie, sizeof cookie));
}

bool LinuxKernel::is_udp(int fd) const {
  int protocol = 0;
  return get_option(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, sizeof protocol) == 0 && protocol == IPPROTO_UDP;
}

bool LinuxKernel::peer(int fd, void* name, socklen_t* length) const {
  return socket_call(__NR_getpeername, SYS_GETPEERNAME, fd, word(name), word(length)) == 0;
}

bool LinuxKernel::corked(int fd) const {
  int on = 0;
  return get_option(fd, IPPROTO_UDP, UDP_CORK, &on, sizeof on) == 0 && on != 0;
}

int LinuxKernel::outq(int fd) const {
  int charged = 0;
  const long error = raw_syscall(__NR_ioctl, fd, SIOCOUTQ, word(&charged));
  return error < 0 ? static_cast<int>(error) : charged;
}

bool LinuxKernel::replied(int fd, std::uint32_t since) const {
  pollfd readable{fd, POLLIN, 0};
  KernelTime none{};
  if (raw_syscall(__NR_ppoll, word(&readable), 1, word(&none), 0, 0) > 0) return true;
  const std::uint64_t received = last_received(fd);
  if (received == 0) return false;
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  const auto wall = static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(now.tv_nsec);
  return wall - received <= since * 1'000'000ULL;
}

void LinuxKernel::note_replies(int fd) const {
  last_received(fd);
}

void LinuxKernel::pause(std::uint64_t us) const {
  const KernelTime time{static_cast<long>(us / 1'000'000U), static_cast<long>(us % 1'000'000U * 1000U)};
  raw_syscall(__NR_nanosleep, word(&time), 0);
}

void LinuxKernel::wait_readable(int fd, std::uint64_t us) const {
  pollfd readable{fd, POLLIN, 0};
  KernelTime time{static_cast<long>(us / 1'000'000U), static_cast<long>(us % 1'000'000U * 1000U)};
  raw_syscall(__NR_ppoll, word(&readable), 1, word(&time), 0, 0);
}

void LinuxKernel::held(const image::Destination& destination, std::uint64_t us, bool timed_out) const {
  log_held(destination, us, timed_out);
}

}  // namespace ctgate::shim

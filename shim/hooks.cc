// SPDX-License-Identifier: GPL-2.0-or-later
// The exported functions: each asks the gate and then calls the real one. libctgate.map lists them; the aliases are
// what libraries compiled against other versions of glibc call (__sendmmsg: libresolv before 2.34; __sendmsg64,
// __sendmmsg64: 32-bit programs with 64-bit time). All are async-signal-safe, as POSIX asks of most of them, and
// cancellation points where the real ones are.
#include <netdb.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstdarg>

#include "shim/dynamic_linker.hh"
#include "shim/own_memory.hh"
#include "shim/real.hh"
#include "shim/resolver_loader.hh"
#include "shim/start.hh"

#define CTGATE_HOOK extern "C" __attribute__((visibility("default")))

namespace {

using ctgate::shim::active;
using ctgate::shim::gate;
using ctgate::shim::real;
using ctgate::shim::SocketKind;
using ctgate::shim::tables;

bool may_be_udp(int fd) {
  return active() && tables.descriptors.kind(fd) == SocketKind::udp;
}

template <typename Send>
ssize_t send_message(int fd, const msghdr* message, int flags, Send&& send) {
  if (!active() || message == nullptr) return send();
  return gate.send_one(fd, message->msg_name, message->msg_namelen, flags, send);
}

template <typename Function>
int send_messages(Function* function, int fd, mmsghdr* messages, unsigned count, int flags) {
  if (!active() || messages == nullptr) return function(fd, messages, count, flags);
  return gate.send_many(fd, messages, count, flags,
                        [=](unsigned first, unsigned some) { return function(fd, messages + first, some, flags); });
}

}  // namespace

CTGATE_HOOK ssize_t send(int fd, const void* bytes, size_t size, int flags) {
  if (!may_be_udp(fd)) return real.send(fd, bytes, size, flags);
  return gate.send_one(fd, nullptr, 0, flags, [=] { return real.send(fd, bytes, size, flags); });
}

CTGATE_HOOK ssize_t sendto(int fd, const void* bytes, size_t size, int flags, const sockaddr* name, socklen_t length) {
  if (!active()) return real.sendto(fd, bytes, size, flags, name, length);
  return gate.send_one(fd, name, length, flags, [=] { return real.sendto(fd, bytes, size, flags, name, length); });
}

CTGATE_HOOK ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  return send_message(fd, message, flags, [=] { return real.sendmsg(fd, message, flags); });
}

CTGATE_HOOK int sendmmsg(int fd, mmsghdr* messages, unsigned count, int flags) {
  return send_messages(real.sendmmsg, fd, messages, count, flags);
}

CTGATE_HOOK ssize_t write(int fd, const void* bytes, size_t size) {
  if (!may_be_udp(fd)) return real.write(fd, bytes, size);
  return gate.send_one(fd, nullptr, 0, 0, [=] { return real.write(fd, bytes, size); });
}

CTGATE_HOOK ssize_t writev(int fd, const iovec* parts, int count) {
  if (!may_be_udp(fd)) return real.writev(fd, parts, count);
  return gate.send_one(fd, nullptr, 0, 0, [=] { return real.writev(fd, parts, count); });
}

CTGATE_HOOK int socket(int domain, int type, int protocol) noexcept {
  const int fd = real.socket(domain, type, protocol);
  if (fd >= 0) {
    const bool internet = domain == AF_INET || domain == AF_INET6;
    const bool udp = internet && (type & 0xf) == SOCK_DGRAM && (protocol == 0 || protocol == IPPROTO_UDP);
    tables.descriptors.reset(fd, udp ? SocketKind::udp : SocketKind::other);
  }
  return fd;
}

// A program that is about to lock itself in (seccomp(2), which needs PR_SET_NO_NEW_PRIVS from a program without rights;
// libseccomp sets it for all) may be killed from then on for a question or a pause of the gate's. It is left alone. A
// child between vfork(2) and exec locks itself in, and not its parent, whose gate it would switch off.
CTGATE_HOOK int prctl(int option, ...) noexcept {
  va_list arguments;
  va_start(arguments, option);
  unsigned long words[4];
  for (unsigned long& word : words) word = va_arg(arguments, unsigned long);
  va_end(arguments);
  if ((option == PR_SET_NO_NEW_PRIVS || option == PR_SET_SECCOMP) && active() &&
      !ctgate::shim::in_memory_of_another()) {
    ctgate::shim::status.mode.store(ctgate::shim::Mode::sandboxed, std::memory_order_relaxed);
  }
  return real.prctl(option, words[0], words[1], words[2], words[3]);
}

CTGATE_HOOK int getaddrinfo(const char* node, const char* service, const addrinfo* hints, addrinfo** result) {
  int error = 0;
  if (active() && ctgate::shim::resolve(ctgate::shim::settings, node, service, hints, result, error)) return error;
  return real.getaddrinfo(node, service, hints, result);
}

// NOLINTBEGIN(bugprone-reserved-identifier): glibc's names

CTGATE_HOOK int __nss_configure_lookup(const char* database, const char* services) {
  ctgate::shim::leave_to_libc();
  using Function = int(const char*, const char*);
  auto* found = reinterpret_cast<Function*>(ctgate::shim::next_symbol("__nss_configure_lookup"));
  if (found != nullptr) return found(database, services);
  errno = ENOSYS;
  return -1;
}

CTGATE_HOOK ssize_t __send(int fd, const void* bytes, size_t size, int flags) {
  return send(fd, bytes, size, flags);
}

CTGATE_HOOK int __sendmmsg(int fd, mmsghdr* messages, unsigned count, int flags) {
  return sendmmsg(fd, messages, count, flags);
}

#if __SIZEOF_POINTER__ == 4

CTGATE_HOOK ssize_t __sendmsg64(int fd, const msghdr* message, int flags) {
  return send_message(fd, message, flags, [=] { return real.sendmsg64(fd, message, flags); });
}

CTGATE_HOOK int __sendmmsg64(int fd, mmsghdr* messages, unsigned count, int flags) {
  return send_messages(real.sendmmsg64, fd, messages, count, flags);
}

#else

CTGATE_HOOK ssize_t __sendmsg64(int fd, const msghdr* message, int flags) {
  return sendmsg(fd, message, flags);
}

CTGATE_HOOK int __sendmmsg64(int fd, mmsghdr* messages, unsigned count, int flags) {
  return sendmmsg(fd, messages, count, flags);
}

#endif

// NOLINTEND(bugprone-reserved-identifier)

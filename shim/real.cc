// SPDX-License-Identifier: GPL-2.0-or-later
#include "shim/real.hh"

#include <linux/net.h>

#include <cerrno>
#include <cstdarg>

#include "shim/dynamic_linker.hh"
#include "shim/syscall.hh"

namespace ctgate::shim {
namespace {

template <typename Result>
Result as_libc_gives_it(long result) {
  if (result >= 0) return static_cast<Result>(result);
  errno = static_cast<int>(-result);
  return -1;
}

ssize_t plain_sendto(int fd, const void* bytes, std::size_t size, int flags, const sockaddr* name, socklen_t length) {
  return as_libc_gives_it<ssize_t>(socket_call(__NR_sendto, SYS_SENDTO, fd, word(bytes), static_cast<long>(size), flags,
                                               word(name), static_cast<long>(length)));
}

ssize_t plain_send(int fd, const void* bytes, std::size_t size, int flags) {
  return plain_sendto(fd, bytes, size, flags, nullptr, 0);
}

ssize_t plain_sendmsg(int fd, const msghdr* message, int flags) {
  return as_libc_gives_it<ssize_t>(socket_call(__NR_sendmsg, SYS_SENDMSG, fd, word(message), flags, 0));
}

int plain_sendmmsg(int fd, mmsghdr* messages, unsigned count, int flags) {
  return as_libc_gives_it<int>(
      socket_call(__NR_sendmmsg, SYS_SENDMMSG, fd, word(messages), static_cast<long>(count), flags));
}

ssize_t plain_write(int fd, const void* bytes, std::size_t size) {
  return as_libc_gives_it<ssize_t>(raw_syscall(__NR_write, fd, word(bytes), static_cast<long>(size)));
}

ssize_t plain_writev(int fd, const iovec* parts, int count) {
  return as_libc_gives_it<ssize_t>(raw_syscall(__NR_writev, fd, word(parts), count));
}

int plain_socket(int domain, int type, int protocol) {
  return as_libc_gives_it<int>(socket_call(__NR_socket, SYS_SOCKET, domain, type, protocol, 0));
}

int plain_prctl(int option, ...) {
  va_list arguments;
  va_start(arguments, option);
  long words[4];
  for (long& word : words) word = va_arg(arguments, long);
  va_end(arguments);
  return as_libc_gives_it<int>(raw_syscall(__NR_prctl, option, words[0], words[1], words[2], words[3]));
}

// Before the constructor has run there is libc's all the same; not to have found it is not expected.
int no_getaddrinfo(const char* node, const char* service, const addrinfo* hints, addrinfo** result) {
  auto* found = reinterpret_cast<decltype(&no_getaddrinfo)>(next_symbol("getaddrinfo"));
  if (found != nullptr) return found(node, service, hints, result);
  errno = ENOSYS;
  return EAI_SYSTEM;
}

template <typename Function>
void find(Function*& function, const char* name) {
  if (void* found = next_symbol(name); found != nullptr) function = reinterpret_cast<Function*>(found);
}

}  // namespace

constinit Real real = {
    plain_send,    plain_sendto,   plain_sendmsg, plain_sendmmsg, plain_write, plain_writev, plain_socket,
#if __SIZEOF_POINTER__ == 4
    plain_sendmsg, plain_sendmmsg,
#endif
    plain_prctl,   no_getaddrinfo, nullptr,
};

// Names that are in every glibc since 2.14 only: from 2.34 on dlsym() allocates for a name that it does not find, and
// an allocator may send (a profiler's).
void find_real_functions() {
  find(real.send, "send");
  find(real.sendto, "sendto");
  find(real.sendmsg, "sendmsg");
  find(real.sendmmsg, "sendmmsg");
  find(real.write, "write");
  find(real.writev, "writev");
  find(real.socket, "socket");
  find(real.prctl, "prctl");
  find(real.getaddrinfo, "getaddrinfo");
  find(real.setenv, "setenv");
#if __SIZEOF_POINTER__ == 4
  real.sendmsg64 = real.sendmsg;
  real.sendmmsg64 = real.sendmmsg;
  find(real.sendmsg64, "__sendmsg64");
  find(real.sendmmsg64, "__sendmmsg64");
#endif
}

}  // namespace ctgate::shim

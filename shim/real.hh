// SPDX-License-Identifier: GPL-2.0-or-later
// The functions behind the hooks: the next library's (libc's, or those of another preload library), found once by the
// constructor; before that, and for one that is not found, plain system calls.
#pragma once

#include <netdb.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>

namespace ctgate::shim {

struct Real {
  ssize_t (*send)(int, const void*, std::size_t, int);
  ssize_t (*sendto)(int, const void*, std::size_t, int, const sockaddr*, socklen_t);
  ssize_t (*sendmsg)(int, const msghdr*, int);
  int (*sendmmsg)(int, mmsghdr*, unsigned, int);
  ssize_t (*write)(int, const void*, std::size_t);
  ssize_t (*writev)(int, const iovec*, int);
  int (*socket)(int, int, int);
#if __SIZEOF_POINTER__ == 4
  ssize_t (*sendmsg64)(int, const msghdr*, int);    // __sendmsg64, 64-bit time
  int (*sendmmsg64)(int, mmsghdr*, unsigned, int);  // __sendmmsg64
#endif
  int (*prctl)(int, ...);
  int (*getaddrinfo)(const char*, const char*, const addrinfo*, addrinfo**);
  int (*setenv)(const char*, const char*, int);  // libc's, not a shell's own; nullptr if it was not found
};

extern Real real;

// Called by the constructor only.
void find_real_functions();

}  // namespace ctgate::shim

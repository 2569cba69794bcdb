// SPDX-License-Identifier: GPL-2.0-or-later
// Prints where the dynamic loader found what a program compiled against this libc calls: "send libctgate.so".
#include <dlfcn.h>
#include <netdb.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

namespace {

// The address that the program's own calls go to, which dlsym(3) need not find: it does not ask for a version.
template <typename Function>
void show(const char* name, Function* function) {
  Function* volatile bound = function;
  Dl_info info{};
  if (dladdr(reinterpret_cast<void*>(bound), &info) == 0) info.dli_fname = "nowhere";
  const char* slash = std::strrchr(info.dli_fname, '/');
  std::printf("%s %s\n", name, slash == nullptr ? info.dli_fname : slash + 1);
}

}  // namespace

int main() {
  show("send", &send);
  show("sendto", &sendto);
  show("sendmsg", &sendmsg);
  show("sendmmsg", &sendmmsg);
  show("write", &write);
  show("writev", &writev);
  show("socket", &socket);
  show("getaddrinfo", &getaddrinfo);
  show("prctl", &prctl);
  return 0;
}

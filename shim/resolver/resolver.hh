// SPDX-License-Identifier: GPL-2.0-or-later
// libctgate-resolver.so: getaddrinfo(3) by c-ares, which sends A and AAAA one departure apart on one flow, so that a
// lookup takes one round trip and does not race. libctgate.so loads it with the first call that may qualify, and calls
// ctgate_resolve(). c-ares' datagrams go through the gate because its send() and sendto() are the hooks.
#pragma once

#include <netdb.h>

#include <cstdint>

namespace ctgate::resolver {

inline constexpr std::uint32_t interface_version = 1;
inline constexpr char library_name[] = "libctgate-resolver.so";
inline constexpr char entry_name[] = "ctgate_resolve";

enum class Wish : std::uint32_t {
  automatic = 0,  // only where the answer is the same as libc's
  c_ares = 1,     // wherever c-ares can answer at all
};

struct Request {
  std::uint32_t version;  // interface_version of the caller
  Wish wish;
  const char* node;  // as the program gave them
  const char* service;
  const addrinfo* hints;
};

struct Outcome {
  bool answered;            // false: the call is libc's, and nothing is changed; `reason` says why
  int error;                // 0, or EAI_*; with EAI_SYSTEM, errno
  addrinfo* result;         // for libc's freeaddrinfo(3): each node, and its canonical name, by malloc(3)
  const char* reason;       // a static text: "nsswitch.conf: hosts has mdns4_minimal", ...; never nullptr
  std::uint32_t datagrams;  // sent, all servers together
  std::uint32_t streams;    // TCP connections made
};

}  // namespace ctgate::resolver

extern "C" {
// Does not throw; leaves no descriptor, thread, lock or memory behind, also when the calling thread is cancelled.
using CtgateResolve = void(const ctgate::resolver::Request*, ctgate::resolver::Outcome*);
}

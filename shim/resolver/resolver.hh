// SPDX-License-Identifier: GPL-2.0-or-later
// libctgate-resolver.so: answers getaddrinfo(3) in place of libc. It sends the questions for A and AAAA on one flow,
// the second as soon as the first has departed, so that a lookup takes one round trip and does not race. libctgate.so
// loads it with the first call that may qualify, and calls ctgate_resolve().
//
// Everything is done as glibc does it, by code in this folder; what c-ares does, and why no more than that, is said in
// channel.hh. From the top down:
//   resolve                            one call, from beginning to end
//   qualify, machine, configuration    whether c-ares may answer, and which servers to ask
//   search, transport, exchange        which names and servers are asked, and which answers count
//   channel                            the sockets, by c-ares
//   answers, order, results            from messages to a sorted list of addresses
#pragma once

#include <netdb.h>

#include <cstdint>

namespace ctgate::resolver {

inline constexpr std::uint32_t interface_version = 1;
inline constexpr char library_name[] = "libctgate-resolver.so";
inline constexpr char entry_name[] = "ctgate_resolve";

enum class Preference : std::uint32_t {
  automatic = 0,  // only where libc would give the same answer
  c_ares = 1,     // wherever c-ares can answer at all
};

struct Request {
  std::uint32_t version;  // interface_version of the caller
  Preference preference;
  const char* node;  // these three as the program gave them
  const char* service;
  const addrinfo* hints;
};

struct Outcome {
  bool answered;            // false: nothing has changed, libc must answer; `reason` says why
  int error;                // 0 or EAI_*; with EAI_SYSTEM see errno
  addrinfo* result;         // for freeaddrinfo(3): each entry and the canonical name are from malloc(3)
  const char* reason;       // a static text: "nsswitch.conf: hosts has mdns4_minimal", ...; never nullptr
  std::uint32_t datagrams;  // sent to all servers together
  std::uint32_t streams;    // TCP connections begun
};

}  // namespace ctgate::resolver

extern "C" {
// Does not throw. Leaks no descriptor, thread, lock or memory, even when the calling thread is cancelled.
using CtgateResolve = void(const ctgate::resolver::Request*, ctgate::resolver::Outcome*);
}

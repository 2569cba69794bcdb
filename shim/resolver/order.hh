// SPDX-License-Identifier: GPL-2.0-or-later
// The order of destination addresses: RFC 3484, with glibc's tables and deviations when there is no gai.conf
// (rfc3484_sort() in sysdeps/posix/getaddrinfo.c). Pure; sources.cc finds out what is compared here.
#pragma once

#include "shim/resolver/host_address.hh"

namespace ctgate::resolver {

// A destination, and which of our addresses would be used to reach it.
struct Route {
  HostAddress destination;
  HostAddress source;  // of the destination's family
  bool reachable = false;
  bool deprecated = false;    // the source address is (RFC 4862)
  bool home_address = false;  // the source address is one of Mobile IPv6
  std::uint8_t prefix = 0;    // length of the source's prefix; 0 if it is on no interface
  std::uint32_t interface = UINT32_MAX;
  bool native = false;  // the interface is known, and is not a 6in4 tunnel or the like
};

// Less than 0: `one` goes first. 0: their order stays.
[[nodiscard]] int compare(const Route& one, const Route& other);

}  // namespace ctgate::resolver

// SPDX-License-Identifier: GPL-2.0-or-later
// The order of destination addresses: RFC 3484 with the tables and the deviations of glibc without a gai.conf
// (rfc3484_sort() in sysdeps/posix/getaddrinfo.c). Pure; sources.cc finds out what it compares.
#pragma once

#include "shim/resolver/host_address.hh"

namespace ctgate::resolver {

// What is known of a destination: which of our addresses would speak to it.
struct Route {
  HostAddress destination;
  HostAddress source;  // of the destination's family
  bool reachable = false;
  bool deprecated = false;    // the source is: RFC 4862
  bool home_address = false;  // the source is: Mobile IPv6
  std::uint8_t prefix = 0;    // the source's; 0 if it is on no interface
  std::uint32_t interface = UINT32_MAX;
  bool native = false;  // the interface is known, and no 6in4 or the like
};

// Less than 0: `one` goes first; 0: as they came.
[[nodiscard]] int compare(const Route& one, const Route& other);

}  // namespace ctgate::resolver

// SPDX-License-Identifier: GPL-2.0-or-later
// The addresses of this machine's interfaces, by rtnetlink(7), as glibc reads them for AI_ADDRCONFIG and for sorting
// (__check_pf() and __check_native() in sysdeps/unix/sysv/linux).
#pragma once

#include "shim/resolver/host_address.hh"

namespace ctgate::resolver {

struct InterfaceAddress {
  std::uint8_t address[16] = {};  // IPv4 as ::ffff:a.b.c.d
  std::uint32_t interface = 0;
  std::uint8_t prefix = 0;
  bool deprecated = false;
  bool home_address = false;
};

struct Interfaces {
  List<InterfaceAddress> addresses;  // sorted by address; as in glibc, empty on a machine without IPv6
  bool has_v4 = true;                // other than 127.0.0.1
  bool has_v6 = true;                // other than ::1

  void clear() { addresses.clear(); }
};

// If the kernel does not answer: both families, no addresses.
void read_interfaces(Interfaces& interfaces);

// nullptr: not in the list.
[[nodiscard]] const InterfaceAddress* find(const Interfaces& interfaces, const std::uint8_t (&address)[16]);

// The interfaces that are not IPv6-in-IPv4 tunnels or the like. Empty if the kernel does not answer.
void read_native_interfaces(List<std::uint32_t>& native);

}  // namespace ctgate::resolver

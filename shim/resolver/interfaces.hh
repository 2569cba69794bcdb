// SPDX-License-Identifier: GPL-2.0-or-later
// The addresses of this machine's interfaces, as glibc sees them for AI_ADDRCONFIG and for sorting (__check_pf() and
// __check_native() in sysdeps/unix/sysv/linux), by rtnetlink(7).
#pragma once

#include "shim/resolver/host_address.hh"

namespace ctgate::resolver {

struct InterfaceAddress {
  std::uint8_t address[16] = {};  // first, as order matters; IPv4 as ::ffff:a.b.c.d
  std::uint32_t interface = 0;
  std::uint8_t prefix = 0;
  bool deprecated = false;
  bool home_address = false;
};

struct Interfaces {
  List<InterfaceAddress> addresses;  // by address; empty on a machine without IPv6, as glibc has it
  bool has_v4 = true;                // besides 127.0.0.1
  bool has_v6 = true;                // besides ::1

  void clear() { addresses.clear(); }
};

// Where the kernel does not say: both families are there, and no addresses.
void read_interfaces(Interfaces& interfaces);

// nullptr: not on the list.
[[nodiscard]] const InterfaceAddress* find(const Interfaces& interfaces, const std::uint8_t (&address)[16]);

// The interfaces that are no tunnels of IPv6 in IPv4 or the like. Empty where the kernel does not say.
void read_native_interfaces(List<std::uint32_t>& native);

}  // namespace ctgate::resolver

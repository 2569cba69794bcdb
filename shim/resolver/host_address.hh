// SPDX-License-Identifier: GPL-2.0-or-later
// What an A or AAAA record holds: an IPv4 or IPv6 address, as the socket API has it. Apart from the policy's Address,
// which converts from and to std::string: this library runs without libstdc++.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>

#include "shim/resolver/list.hh"

namespace ctgate::resolver {

struct HostAddress {
  sa_family_t family = AF_UNSPEC;
  std::uint8_t bytes[16] = {};  // network order; the first four for AF_INET

  [[nodiscard]] std::size_t size() const { return family == AF_INET ? 4 : 16; }
};

using HostAddressList = List<HostAddress>;

}  // namespace ctgate::resolver

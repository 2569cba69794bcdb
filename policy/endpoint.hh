// SPDX-License-Identifier: GPL-2.0-or-later
// An address with a UDP port.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

#include "policy/address.hh"

namespace ctgate {

struct Endpoint {
  Address address;
  std::uint16_t port = 0;  // host byte order
  auto operator<=>(const Endpoint&) const = default;

  [[nodiscard]] std::string to_string() const;  // "10.0.0.1:53", "[fd00::1]:53"
};

}  // namespace ctgate

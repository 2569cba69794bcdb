// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/endpoint.hh"

#include <fmt/format.h>

namespace ctgate {

std::string Endpoint::to_string() const {
  return address.family == Family::ipv4 ? fmt::format("{}:{}", address.to_string(), port)
                                        : fmt::format("[{}]:{}", address.to_string(), port);
}

}  // namespace ctgate

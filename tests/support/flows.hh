// SPDX-License-Identifier: GPL-2.0-or-later
// Flows for tests of the pure parts.
#pragma once

#include <cstdint>

#include "daemon/gate/flow_key.hh"

namespace ctgate::test {

// A different flow for each number: 10.0.0.0/8 to 192.0.2.1 port 53.
inline FlowKey flow(std::uint32_t number) {
  FlowKey key;
  key.source.bytes = {10, static_cast<std::uint8_t>(number >> 24), static_cast<std::uint8_t>(number >> 16), 1};
  key.destination.bytes = {192, 0, 2, 1};
  key.source_port = static_cast<std::uint16_t>(number);
  key.destination_port = 53;
  return key;
}

}  // namespace ctgate::test

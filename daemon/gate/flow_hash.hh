// SPDX-License-Identifier: GPL-2.0-or-later
// Seeded hash of a flow: senders choose ports and addresses, so without a secret seed they could choose collisions.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "daemon/gate/flow_key.hh"

namespace ctgate {

class FlowHash {
 public:
  explicit FlowHash(std::uint64_t seed) : seed_(seed) {}

  std::size_t operator()(const FlowKey& key) const {
    std::uint64_t hash = seed_ ^ static_cast<std::uint64_t>(key.family());
    for (const Address* address : {&key.source, &key.destination}) {
      std::uint64_t words[2];
      std::memcpy(words, address->bytes.data(), sizeof words);
      hash = mix(hash ^ words[0]);
      hash = mix(hash ^ std::rotl(words[1], 32));
    }
    return static_cast<std::size_t>(mix(hash ^ (std::uint64_t{key.source_port} << 16 | key.destination_port)));
  }

 private:
  // The finaliser of splitmix64, keyed.
  [[nodiscard]] std::uint64_t mix(std::uint64_t value) const {
    value += seed_ | 1;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
    return value ^ (value >> 31);
  }

  std::uint64_t seed_;
};

}  // namespace ctgate

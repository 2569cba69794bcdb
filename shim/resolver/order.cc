// SPDX-License-Identifier: GPL-2.0-or-later
#include "shim/resolver/order.hh"

#include <bit>
#include <cstring>

namespace ctgate::resolver {
namespace {

struct PrefixEntry {
  std::uint8_t prefix[16];
  unsigned bits;
  int value;
};

constexpr PrefixEntry labels[] = {
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, 0},
    {{0x20, 0x02}, 16, 2},
    {{}, 96, 3},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96, 4},
    {{0xfe, 0xc0}, 10, 5},
    {{0xfc, 0x00}, 7, 6},
    {{0x20, 0x01, 0x00, 0x00}, 32, 7},
    {{}, 0, 1},
};

constexpr PrefixEntry precedences[] = {
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, 50},
    {{0x20, 0x02}, 16, 30},
    {{}, 96, 20},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96, 10},
    {{}, 0, 40},
};

struct V6 {
  std::uint8_t bytes[16];
};

V6 map(const HostAddress& address) {
  V6 mapped{};
  if (address.family == AF_INET) {
    mapped.bytes[10] = 0xff;
    mapped.bytes[11] = 0xff;
    std::memcpy(mapped.bytes + 12, address.bytes, 4);
  } else {
    std::memcpy(mapped.bytes, address.bytes, 16);
  }
  return mapped;
}

bool has_prefix(const V6& address, const PrefixEntry& entry) {
  const unsigned whole = entry.bits / 8;
  if (std::memcmp(address.bytes, entry.prefix, whole) != 0) return false;
  if (entry.bits % 8 == 0) return true;
  const unsigned mask = 0xff00U >> (entry.bits % 8) & 0xffU;
  return ((address.bytes[whole] ^ entry.prefix[whole]) & mask) == 0;
}

template <std::size_t count>
int look_up(const PrefixEntry (&table)[count], const HostAddress& address) {
  const V6 mapped = map(address);
  for (const PrefixEntry& entry : table) {
    if (has_prefix(mapped, entry)) return entry.value;
  }
  return 0;  // not reached: the last entry of each table matches everything
}

int scope(const HostAddress& address) {
  const std::uint8_t* bytes = address.bytes;
  constexpr int link_local = 2;
  constexpr int site_local = 5;
  constexpr int global = 14;
  if (address.family == AF_INET) {
    return bytes[0] == 127 || (bytes[0] == 169 && bytes[1] == 254) ? link_local : global;
  }
  if (bytes[0] == 0xff) return bytes[1] & 0xf;
  constexpr std::uint8_t loopback[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  if ((bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80) || std::memcmp(bytes, loopback, 16) == 0) return link_local;
  if (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0xc0) return site_local;
  return global;
}

std::uint32_t word(const HostAddress& address, unsigned index) {
  const std::uint8_t* at = address.bytes + std::size_t{4} * index;
  return std::uint32_t{at[0]} << 24 | std::uint32_t{at[1]} << 16 | std::uint32_t{at[2]} << 8 | at[3];
}

// Rule 9 for IPv4: bits in common count only within the source's subnet.
int common_bits_v4(const Route& route) {
  const std::uint32_t source = word(route.source, 0);
  const std::uint32_t destination = word(route.destination, 0);
  // A shift by 32 shifts by 0, here as in glibc's machine code: no prefix means the same address.
  const std::uint32_t mask = ~std::uint32_t{0} << ((32U - route.prefix) & 31U);
  return ((source ^ destination) & mask) == 0 ? std::countl_zero(source ^ destination) : 0;
}

int first_if(bool one, bool other) {
  return one == other ? 0 : one ? -1 : 1;
}

int compare_prefixes(const Route& one, const Route& other) {
  int bits_one = 0;
  int bits_other = 0;
  if (one.destination.family == AF_INET) {
    bits_one = common_bits_v4(one);
    bits_other = common_bits_v4(other);
  } else {
    // The first word in which either differs from its source, as glibc compares.
    for (unsigned i = 0; i < 4; ++i) {
      const std::uint32_t differing_one = word(one.destination, i) ^ word(one.source, i);
      const std::uint32_t differing_other = word(other.destination, i) ^ word(other.source, i);
      if (differing_one == 0 && differing_other == 0) continue;
      bits_one = std::countl_zero(differing_one);
      bits_other = std::countl_zero(differing_other);
      break;
    }
  }
  return bits_other - bits_one;
}

}  // namespace

int compare(const Route& one, const Route& other) {
  // Rule 1: avoid unusable destinations.
  if (const int first = first_if(one.reachable, other.reachable)) return first;

  const int scope_one = scope(one.destination);
  const int scope_other = scope(other.destination);
  if (one.reachable) {
    // Rule 2: matching scope.
    if (const int first = first_if(scope_one == scope(one.source), scope_other == scope(other.source))) return first;
    // Rule 3: avoid deprecated addresses.
    if (const int first = first_if(!one.deprecated, !other.deprecated)) return first;
    // Rule 4: home addresses; glibc has it the other way round.
    if (const int first = first_if(one.home_address, other.home_address)) return -first;
    // Rule 5: matching label.
    const bool same_one = look_up(labels, one.destination) == look_up(labels, one.source);
    const bool same_other = look_up(labels, other.destination) == look_up(labels, other.source);
    if (const int first = first_if(same_one, same_other)) return first;
  }

  // Rule 6: higher precedence.
  const int precedence_one = look_up(precedences, one.destination);
  const int precedence_other = look_up(precedences, other.destination);
  if (precedence_one != precedence_other) return precedence_other - precedence_one;

  // Rule 7: native transport.
  if (one.reachable && one.interface != other.interface) {
    if (const int first = first_if(one.native, other.native)) return first;
  }
  // Rule 8: smaller scope.
  if (scope_one != scope_other) return scope_one - scope_other;
  // Rule 9: longest matching prefix.
  if (one.reachable && one.destination.family == other.destination.family) return compare_prefixes(one, other);
  return 0;
}

}  // namespace ctgate::resolver

// SPDX-License-Identifier: GPL-2.0-or-later
// IP addresses and prefixes of both families as values.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ctgate {

enum class Family : std::uint8_t { ipv4 = 4, ipv6 = 6 };
inline constexpr std::array both_families{Family::ipv4, Family::ipv6};

// An address in network byte order; IPv4 fills the first 4 bytes, the rest is zero.
struct Address {
  Family family = Family::ipv4;
  std::array<std::uint8_t, 16> bytes{};
  auto operator<=>(const Address&) const = default;

  // inet_pton(3) forms only: no names, no scope, no leading zeros.
  [[nodiscard]] static std::optional<Address> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;
};

// A prefix; host bits are zero. A v4-mapped prefix ("::ffff:10.0.0.0/104") is an IPv6 one and holds no IPv4 address:
// such addresses live in sockets, never in packets.
struct Cidr {
  Address network;
  std::uint8_t length = 0;  // 0 to 32 or 128
  bool operator==(const Cidr&) const = default;

  // "10.0.0.0/8", "2001:db8::/32", or one address, which means its full length. Host bits must be zero.
  [[nodiscard]] static std::optional<Cidr> parse(std::string_view text);
  [[nodiscard]] bool contains(const Address& address) const;
  [[nodiscard]] std::string to_string() const;
};

// The network part of an address, as ones, under a prefix of `length` bits.
[[nodiscard]] constexpr std::array<std::uint8_t, 16> prefix_mask(unsigned length) {
  std::array<std::uint8_t, 16> mask{};
  for (auto byte = mask.begin(); byte != mask.end() && length > 0; ++byte) {
    const unsigned bits = length < 8 ? length : 8;
    *byte = static_cast<std::uint8_t>(0xffU << (8 - bits));
    length -= bits;
  }
  return mask;
}

// A prefix as a person wrote it, host bits and all: what an error message needs to name the right network.
struct CidrText {
  Address address;
  std::uint8_t length = 0;  // 0 to 32 or 128

  [[nodiscard]] static std::optional<CidrText> parse(std::string_view text);
  [[nodiscard]] Cidr network() const;  // with the host bits cleared
};

}  // namespace ctgate

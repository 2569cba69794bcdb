// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/address.hh"

#include <arpa/inet.h>

#include <charconv>

namespace ctgate {

namespace {

constexpr int to_af(Family family) {
  return family == Family::ipv4 ? AF_INET : AF_INET6;
}

constexpr unsigned address_bits(Family family) {
  return family == Family::ipv4 ? 32 : 128;
}

}  // namespace

std::optional<Address> Address::parse(std::string_view text) {
  if (text.find('\0') != text.npos) return std::nullopt;  // inet_pton(3) would stop there and accept the rest
  const std::string terminated(text);
  for (const Family family : both_families) {
    Address address{family, {}};
    if (inet_pton(to_af(family), terminated.c_str(), address.bytes.data()) == 1) return address;
  }
  return std::nullopt;
}

std::string Address::to_string() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(to_af(family), bytes.data(), text.data(), text.size());
  return text.data();
}

std::optional<CidrText> CidrText::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = Address::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  unsigned length = address_bits(address->family);
  if (slash != text.npos) {
    const auto digits = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
    const bool leading_zero = digits.size() > 1 && digits.front() == '0';
    if (error != std::errc{} || end != digits.data() + digits.size() || leading_zero) return std::nullopt;
    if (length > address_bits(address->family)) return std::nullopt;
  }
  return CidrText{*address, static_cast<std::uint8_t>(length)};
}

Cidr CidrText::network() const {
  Cidr cidr{address, length};
  const auto mask = prefix_mask(length);
  for (std::size_t i = 0; i < cidr.network.bytes.size(); ++i)
    cidr.network.bytes[i] = static_cast<std::uint8_t>(cidr.network.bytes[i] & mask[i]);
  return cidr;
}

std::optional<Cidr> Cidr::parse(std::string_view text) {
  const auto written = CidrText::parse(text);
  if (!written || written->network().network != written->address) return std::nullopt;
  return written->network();
}

bool Cidr::contains(const Address& address) const {
  if (address.family != network.family) return false;
  return CidrText{address, length}.network() == *this;
}

std::string Cidr::to_string() const {
  return network.to_string() + '/' + std::to_string(length);
}

}  // namespace ctgate

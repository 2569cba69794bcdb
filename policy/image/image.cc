// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/image/image.hh"

#include <cstring>

namespace ctgate::image {

namespace {

constexpr std::uint32_t longest_wait = 10000;  // milliseconds
constexpr User no_user = 0xffffffff;           // (uid_t)-1
constexpr std::size_t checked_from = offsetof(Header, max_wait);
static_assert(checked_from == offsetof(Header, checksum) + sizeof(Header::checksum));
// Each table ends where the next one may begin, whatever the counts are.
static_assert(sizeof(Header) % alignof(Rule) == 0 && sizeof(Rule) % alignof(PortRange) == 0 &&
              sizeof(PortRange) % alignof(Prefix) == 0 && sizeof(Prefix) % alignof(User) == 0 &&
              sizeof(PortRange) % alignof(User) == 0);

bool all_zero(const std::uint8_t* bytes, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i)
    if (bytes[i] != 0) return false;
  return true;
}

unsigned address_bytes(unsigned family) {
  return family == 4 ? 4 : 16;
}

// The bits of a byte that belong to a prefix which covers `bits` (0 to 7) of them.
unsigned leading_bits(unsigned bits) {
  return 0xff00U >> bits & 0xffU;
}

bool valid(const Header& header) {
  return header.max_wait >= 1 && header.max_wait <= longest_wait &&
         header.wait_for <= static_cast<std::uint8_t>(WaitFor::delay) &&
         header.resolver <= static_cast<std::uint8_t>(Resolver::off) &&
         header.default_action <= static_cast<std::uint8_t>(Action::pass) &&
         header.libc_option <= static_cast<std::uint8_t>(LibcOption::single_request_reopen) && header.reserved_end == 0;
}

// What the counts say that the whole image needs; they may be anything, and the sum has room for them.
std::uint64_t size_from_counts(const Header& header) {
  return sizeof(Header) + std::uint64_t{header.rules} * sizeof(Rule) + std::uint64_t{header.ports} * sizeof(PortRange) +
         std::uint64_t{header.prefixes} * sizeof(Prefix) + std::uint64_t{header.users} * sizeof(User) + header.text;
}

// Whether `slice` begins at `next` and ends within the table; moves `next` behind it.
bool follows(const Slice& slice, std::uint32_t& next, std::uint32_t table) {
  if (slice.first != next || slice.count > table - next) return false;
  next += slice.count;
  return true;
}

bool valid_rules(const Rule* rules, const Header& header) {
  std::uint32_t ports = 0;
  std::uint32_t prefixes = 0;
  std::uint32_t users = 0;
  for (std::uint32_t i = 0; i < header.rules; ++i) {
    const Rule& rule = rules[i];
    if (!follows(rule.ports, ports, header.ports) || !follows(rule.prefixes, prefixes, header.prefixes) ||
        !follows(rule.users, users, header.users))
      return false;
    if (rule.action > static_cast<std::uint8_t>(Action::pass) ||
        rule.wait_for > static_cast<std::uint8_t>(WaitFor::delay) || !all_zero(rule.reserved, sizeof(rule.reserved)))
      return false;
  }
  return ports == header.ports && prefixes == header.prefixes && users == header.users;
}

bool valid(const Prefix& prefix) {
  if (prefix.family != 4 && prefix.family != 6) return false;
  if (prefix.length > 8 * address_bytes(prefix.family) || !all_zero(prefix.reserved, sizeof(prefix.reserved)))
    return false;
  std::size_t from = prefix.length / 8U;  // the first byte with host bits
  if (const unsigned bits = prefix.length % 8U; bits != 0) {
    if ((prefix.network[from] & ~leading_bits(bits)) != 0) return false;
    ++from;
  }
  return all_zero(prefix.network + from, sizeof(prefix.network) - from);
}

template <typename Element, typename Check>
bool each(const Element* table, std::uint32_t count, Check check) {
  for (std::uint32_t i = 0; i < count; ++i)
    if (!check(table[i])) return false;
  return true;
}

// Absolute paths, each with its NUL.
bool valid_text(const char* text, std::uint32_t size) {
  if (size == 0) return true;
  if (text[size - 1] != '\0') return false;
  for (const char* path = text; path < text + size; path += std::strlen(path) + 1)
    if (*path != '/') return false;
  return true;
}

bool contains(const Prefix& prefix, const Destination& destination) {
  if (prefix.family != destination.family) return false;
  const unsigned whole = prefix.length / 8U;
  if (std::memcmp(prefix.network, destination.address, whole) != 0) return false;
  const unsigned bits = prefix.length % 8U;
  return bits == 0 || (destination.address[whole] & leading_bits(bits)) == prefix.network[whole];
}

// Whether a rule's condition holds: for one element of its slice, or because it asks for nothing.
template <typename Element, typename Check>
bool holds(const Element* table, const Slice& slice, Check check) {
  if (slice.count == 0) return true;
  for (std::uint32_t i = 0; i < slice.count; ++i)
    if (check(table[slice.first + i])) return true;
  return false;
}

}  // namespace

std::uint64_t checksum(const void* bytes, std::size_t size) {
  const auto* byte = static_cast<const unsigned char*>(bytes);
  std::uint64_t hash = 0xcbf29ce484222325;
  for (std::size_t i = 0; i < size; ++i) hash = (hash ^ byte[i]) * 0x100000001b3;
  return hash;
}

Fault View::open(const void* bytes, std::size_t size, View& view) {
  const auto* start = static_cast<const unsigned char*>(bytes);
  for (std::size_t i = 0; i < sizeof(magic) && i < size; ++i)
    if (start[i] != magic[i]) return Fault::not_an_image;
  // The version comes first: another one may have another header.
  if (size < offsetof(Header, size)) return Fault::truncated;
  std::uint32_t version = 0;
  std::memcpy(&version, start + offsetof(Header, version), sizeof(version));
  if (version != format_version) return Fault::other_version;
  if (size < sizeof(Header)) return Fault::truncated;

  const auto* header = static_cast<const Header*>(bytes);
  if (size < header->size) return Fault::truncated;
  if (size > header->size || size > largest_image) return Fault::damaged;
  if (checksum(start + checked_from, size - checked_from) != header->checksum) return Fault::damaged;
  // A checksum is no proof: everything that the other functions rely on is looked at.
  if (!valid(*header) || size_from_counts(*header) != size) return Fault::damaged;

  View found;
  found.header_ = header;
  found.rules_ = reinterpret_cast<const Rule*>(header + 1);
  found.ports_ = reinterpret_cast<const PortRange*>(found.rules_ + header->rules);
  found.prefixes_ = reinterpret_cast<const Prefix*>(found.ports_ + header->ports);
  found.users_ = reinterpret_cast<const User*>(found.prefixes_ + header->prefixes);
  found.text_ = reinterpret_cast<const char*>(found.users_ + header->users);
  const bool sound =
      valid_rules(found.rules_, *header) &&
      each(found.ports_, header->ports, [](const PortRange& range) { return range.first <= range.last; }) &&
      each(found.prefixes_, header->prefixes, [](const Prefix& prefix) { return valid(prefix); }) &&
      each(found.users_, header->users, [](User user) { return user != no_user; }) &&
      valid_text(found.text_, header->text);
  if (!sound) return Fault::damaged;
  view = found;
  return Fault::none;
}

bool View::matches(const Rule& rule, const Destination& destination, User user) const {
  return holds(ports_, rule.ports,
               [&](const PortRange& range) {
                 return range.first <= destination.port && destination.port <= range.last;
               }) &&
         holds(prefixes_, rule.prefixes, [&](const Prefix& prefix) { return contains(prefix, destination); }) &&
         holds(users_, rule.users, [&](User wanted) { return wanted == user; });
}

Decision View::decide(const Destination& destination, User user) const {
  for (std::uint32_t i = 0; i < header_->rules; ++i) {
    const Rule& rule = rules_[i];
    if (matches(rule, destination, user))
      return {static_cast<Action>(rule.action), static_cast<WaitFor>(rule.wait_for)};
  }
  return {static_cast<Action>(header_->default_action), static_cast<WaitFor>(header_->wait_for)};
}

bool View::skips(const char* program) const {
  const char* const end = text_ + header_->text;
  for (const char* path = text_; path < end; path += std::strlen(path) + 1)
    if (std::strcmp(path, program) == 0) return true;
  return false;
}

}  // namespace ctgate::image

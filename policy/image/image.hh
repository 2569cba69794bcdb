// SPDX-License-Identifier: GPL-2.0-or-later
// The policy as the preload library reads it: one flat block of bytes, in the host's byte order, the same for 32-bit
// and 64-bit programs. Writer: policy/image/compile.hh. Reader: this file, which needs nothing but <cstring> at run
// time, allocates nothing and throws nothing, because it runs inside other people's programs before main().
//
// Layout: Header, Rule[rules], PortRange[ports], Prefix[prefixes], User[users], text. Offsets follow from the counts.
// `text` holds the paths of skip_programs one after the other, each ended by a NUL. The rules' slices are in their
// tables in the order of the rules, without gaps or overlaps: a policy has exactly one image, and a lookup makes one
// pass over it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ctgate::image {

inline constexpr unsigned char magic[8] = {'c', 't', 'g', 'a', 't', 'e', 0x1a, '\n'};
inline constexpr std::uint32_t format_version = 1;
inline constexpr std::size_t largest_image = std::size_t{256} * 1024;  // bytes; a bigger file is not one of ours

// Where the library looks, in this order. Both are ignored unless owned by root and writable by root only.
inline constexpr char runtime_path[] = "/run/ctgate/policy.image";    // written by ctgated
inline constexpr char state_path[] = "/var/lib/ctgate/policy.image";  // written by `ctgate policy compile`

// Numbers of the enumerations in the file; equal to those of policy/policy.hh, which policy/image/compile.cc asserts.
enum class Action : std::uint8_t { gate = 0, pass = 1 };
enum class WaitFor : std::uint8_t { departure = 0, reply = 1, delay = 2 };
enum class Resolver : std::uint8_t { automatic = 0, libc = 1, c_ares = 2, off = 3 };
enum class LibcOption : std::uint8_t { single_request = 0, single_request_reopen = 1 };

struct Header {
  unsigned char magic[8];
  std::uint32_t version;
  std::uint32_t size;      // of the whole image, bytes
  std::uint64_t checksum;  // FNV-1a, 64 bits, over everything after this field
  std::uint32_t max_wait;  // milliseconds, 1 to 10000
  std::uint8_t wait_for;   // where no rule matches
  std::uint8_t resolver;
  std::uint8_t default_action;
  std::uint8_t libc_option;
  std::uint32_t rules;
  std::uint32_t ports;
  std::uint32_t prefixes;
  std::uint32_t users;
  std::uint32_t text;          // bytes
  std::uint32_t reserved_end;  // 0
};
static_assert(sizeof(Header) == 56);

// A slice of one of the tables; empty: anything matches.
struct Slice {
  std::uint32_t first;  // also of an empty slice: where the next one begins
  std::uint32_t count;
};

struct Rule {
  Slice ports;
  Slice prefixes;
  Slice users;
  std::uint8_t action;
  std::uint8_t wait_for;
  std::uint8_t reserved[6];  // 0
};
static_assert(sizeof(Rule) == 32);

struct PortRange {
  std::uint16_t first;  // inclusive, host byte order
  std::uint16_t last;
};

struct Prefix {
  std::uint8_t family;       // 4 or 6
  std::uint8_t length;       // 0 to 32 or 128
  std::uint8_t reserved[2];  // 0
  std::uint8_t network[16];  // network byte order, IPv4 in the first 4; host bits are zero
};
static_assert(sizeof(Prefix) == 20);

using User = std::uint32_t;  // not (uid_t)-1

// Where a datagram goes; a v4-mapped IPv6 address must be given as IPv4.
struct Destination {
  std::uint8_t family;  // 4 or 6
  std::uint16_t port;   // host byte order
  std::uint8_t address[16];
};

struct Decision {
  Action action;
  WaitFor wait_for;
};

enum class Fault : std::uint8_t {
  none,
  truncated,      // shorter than its header says, or than a header
  not_an_image,   // does not begin with the magic, or with as much of it as there is
  other_version,  // of a newer or older ctgate
  damaged,        // checksum, or a value or reference out of its range
};

[[nodiscard]] std::uint64_t checksum(const void* bytes, std::size_t size);

// A checked image. Does not own the bytes: they must stay, unchanged, as long as the view is used.
class View {
 public:
  // Checks everything once, so that the other functions need no checks; reads nothing outside the bytes given, which
  // may hold anything. `bytes` must be aligned to 8. `view` changes only if the result is `none`.
  [[nodiscard]] static Fault open(const void* bytes, std::size_t size, View& view);

  // The tables, for showing them; their lengths are in the header.
  [[nodiscard]] const Header& header() const { return *header_; }
  [[nodiscard]] const Rule* rules() const { return rules_; }
  [[nodiscard]] const PortRange* ports() const { return ports_; }
  [[nodiscard]] const Prefix* prefixes() const { return prefixes_; }
  [[nodiscard]] const User* users() const { return users_; }
  [[nodiscard]] const char* text() const { return text_; }

  // The first rule that matches, else the default. Exempt destinations (loopback, ...) are the caller's business.
  // `user`: effective user id of the sender.
  [[nodiscard]] Decision decide(const Destination& destination, User user) const;
  [[nodiscard]] bool asks_for_user() const { return header_->users != 0; }

  // Whether `program`, an absolute path, is in skip_programs.
  [[nodiscard]] bool skips(const char* program) const;

 private:
  [[nodiscard]] bool matches(const Rule& rule, const Destination& destination, User user) const;

  const Header* header_ = nullptr;
  const Rule* rules_ = nullptr;
  const PortRange* ports_ = nullptr;
  const Prefix* prefixes_ = nullptr;
  const User* users_ = nullptr;
  const char* text_ = nullptr;
};

}  // namespace ctgate::image

// SPDX-License-Identifier: GPL-2.0-or-later
// Questions and answers of the DNS as bytes (RFC 1035 section 4), as much as the tests' server needs. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/address.hh"

namespace ctgate::test::dns {

using Bytes = std::vector<std::uint8_t>;

inline constexpr std::size_t header_size = 12;
inline constexpr std::size_t largest_name = 255;  // bytes on the wire

namespace type {
inline constexpr std::uint16_t a = 1, cname = 5, aaaa = 28;
}

enum class Rcode : std::uint8_t {
  no_error = 0,
  format_error = 1,
  server_failure = 2,
  name_error = 3,  // "NXDOMAIN"
  not_implemented = 4,
  refused = 5,
};

struct Question {
  std::uint16_t id = 0;
  bool recursion_desired = false;
  std::string name;  // lower case, labels joined by dots, no dot at the end; the root is ""
  std::uint16_t type = 0;
  Bytes wire;  // name, type and class as they were sent: an answer repeats them, upper case and all
};

// The question of a query with exactly one; nothing for anything else.
[[nodiscard]] std::optional<Question> parse_question(std::span<const std::uint8_t> message);

// "www.example" as labels. A label longer than 63 bytes is cut: no test sends one.
[[nodiscard]] Bytes encode_name(std::string_view name);

struct Record {
  std::string owner;
  std::uint16_t type = type::a;
  Bytes data;
  std::uint16_t record_class = 1;  // IN
};

[[nodiscard]] Record address_record(std::string_view owner, const Address& address);
[[nodiscard]] Record alias_record(std::string_view owner, std::string_view target);

struct Answer {
  Rcode rcode = Rcode::no_error;
  bool truncated = false;
  std::vector<Record> records;
};

// The whole message. Records of the question's own name point to it (compression), others spell theirs out. What does
// not fit into `limit` bytes is left out, and the message marked as truncated.
[[nodiscard]] Bytes encode(const Question& question, const Answer& answer, std::size_t limit = 65535);

}  // namespace ctgate::test::dns

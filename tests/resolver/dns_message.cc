// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/resolver/dns_message.hh"

#include <algorithm>
#include <cctype>

namespace ctgate::test::dns {
namespace {

constexpr std::uint16_t pointer_to_question = 0xc000 | header_size;

void put16(Bytes& bytes, std::size_t value) {
  bytes.push_back(static_cast<std::uint8_t>(value >> 8));
  bytes.push_back(static_cast<std::uint8_t>(value));
}

std::uint16_t get16(std::span<const std::uint8_t> bytes, std::size_t at) {
  return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

void append(Bytes& bytes, const Bytes& more) {
  bytes.insert(bytes.end(), more.begin(), more.end());
}

Bytes encode_record(const Question& question, const Record& record) {
  Bytes bytes;
  if (record.owner == question.name) {
    put16(bytes, pointer_to_question);
  } else {
    append(bytes, encode_name(record.owner));
  }
  put16(bytes, record.type);
  put16(bytes, record.record_class);
  put16(bytes, 0);
  put16(bytes, 60);  // time to live, seconds
  put16(bytes, record.data.size());
  append(bytes, record.data);
  return bytes;
}

}  // namespace

std::optional<Question> parse_question(std::span<const std::uint8_t> message) {
  if (message.size() < header_size || (message[2] & 0x80) != 0 || get16(message, 4) != 1) return std::nullopt;
  Question question;
  question.id = get16(message, 0);
  question.recursion_desired = (message[2] & 1) != 0;
  std::size_t at = header_size;
  for (;;) {
    if (at >= message.size() || message[at] > 63) return std::nullopt;  // a question is not compressed
    const std::size_t length = message[at++];
    if (length == 0) break;
    if (at + length > message.size() || at + length > header_size + largest_name) return std::nullopt;
    if (!question.name.empty()) question.name += '.';
    for (const auto byte : message.subspan(at, length)) question.name += static_cast<char>(std::tolower(byte));
    at += length;
  }
  if (at + 4 > message.size()) return std::nullopt;
  question.type = get16(message, at);
  question.wire.assign(message.begin() + header_size, message.begin() + static_cast<std::ptrdiff_t>(at + 4));
  return question;
}

Bytes encode_name(std::string_view name) {
  Bytes bytes;
  while (!name.empty()) {
    const auto label = name.substr(0, name.find('.'));
    name.remove_prefix(std::min(name.size(), label.size() + 1));
    const auto length = std::min<std::size_t>(label.size(), 63);
    bytes.push_back(static_cast<std::uint8_t>(length));
    bytes.insert(bytes.end(), label.begin(), label.begin() + static_cast<std::ptrdiff_t>(length));
  }
  bytes.push_back(0);
  return bytes;
}

Record address_record(std::string_view owner, const Address& address) {
  const bool v4 = address.family == Family::ipv4;
  return {std::string(owner), v4 ? type::a : type::aaaa,
          Bytes(address.bytes.begin(), address.bytes.begin() + (v4 ? 4 : 16))};
}

Record alias_record(std::string_view owner, std::string_view target) {
  return {std::string(owner), type::cname, encode_name(target)};
}

Bytes encode(const Question& question, const Answer& answer, std::size_t limit) {
  Bytes records;
  std::size_t count = 0;
  bool truncated = answer.truncated;
  for (const auto& record : answer.records) {
    const Bytes bytes = encode_record(question, record);
    if (header_size + question.wire.size() + records.size() + bytes.size() > limit) {
      truncated = true;
      break;
    }
    append(records, bytes);
    ++count;
  }
  Bytes message;
  put16(message, question.id);
  message.push_back(static_cast<std::uint8_t>(0x80 | (truncated ? 2 : 0) | (question.recursion_desired ? 1 : 0)));
  message.push_back(static_cast<std::uint8_t>(0x80 | static_cast<int>(answer.rcode)));  // recursion is available
  put16(message, 1);
  put16(message, count);
  put16(message, 0);
  put16(message, 0);
  append(message, question.wire);
  append(message, records);
  return message;
}

}  // namespace ctgate::test::dns

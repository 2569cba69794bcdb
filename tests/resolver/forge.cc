// SPDX-License-Identifier: GPL-2.0-or-later
// The tricks of a hostile or broken server.
#include <algorithm>
#include <random>

#include "tests/resolver/zone.hh"

namespace ctgate::test::dns {
namespace {

constexpr std::chrono::milliseconds truth_delay{3};
constexpr std::size_t largest_stream = 65535;
constexpr std::size_t huge_datagram_size = 60000;

// The same question, so that what is said about it can be wrong.
Bytes forged(const Question& question, std::string_view owner, std::uint16_t record_class = 1) {
  Answer answer;
  answer.records.push_back(address_record(owner, forged_address(question.type)));
  answer.records.back().record_class = record_class;
  return encode(question, answer);
}
Bytes forged(const Question& question) {
  return forged(question, question.name);
}

Bytes with_question(Question question, std::string_view name, std::uint16_t type) {
  question.name = name;
  question.wire = encode_name(name);
  for (const int byte : {type >> 8, type & 0xff, 0, 1}) question.wire.push_back(static_cast<std::uint8_t>(byte));
  return forged(question);
}

// Where the first record begins: its name is a pointer of two bytes, then type, class, time to live, length and data.
std::size_t first_record(const Question& question) {
  return header_size + question.wire.size();
}

Bytes with_pointer(const Question& question, std::size_t target) {
  Bytes bytes = forged(question);
  const auto at = first_record(question);
  bytes[at] = static_cast<std::uint8_t>(0xc0 | target >> 8);
  bytes[at + 1] = static_cast<std::uint8_t>(target);
  return bytes;
}

// Two records; the name of each is a pointer to the other's.
Bytes with_pointer_pair(const Question& question) {
  Answer answer;
  answer.records.assign(2, address_record(question.name, forged_address(question.type)));
  Bytes bytes = encode(question, answer);
  const auto first = first_record(question);
  const auto second = first + (bytes.size() - first) / 2;
  bytes[first] = static_cast<std::uint8_t>(0xc0 | second >> 8);
  bytes[first + 1] = static_cast<std::uint8_t>(second);
  bytes[second] = static_cast<std::uint8_t>(0xc0 | first >> 8);
  bytes[second + 1] = static_cast<std::uint8_t>(first);
  return bytes;
}

Bytes with_data_size(const Question& question, int change) {
  Answer answer;
  answer.records.push_back(address_record(question.name, forged_address(question.type)));
  auto& data = answer.records.back().data;
  data.resize(static_cast<std::size_t>(static_cast<int>(data.size()) + change), 1);
  return encode(question, answer);
}

Bytes with_byte(Bytes bytes, std::size_t at, int value) {
  if (at < bytes.size()) bytes[at] = static_cast<std::uint8_t>(value);
  return bytes;
}

Bytes alias_loop(const Question& question) {
  Answer answer;
  answer.records = {alias_record(question.name, "loop." + question.name),
                    alias_record("loop." + question.name, question.name)};
  return encode(question, answer);
}

// As many addresses as fit, all different.
Bytes full_of_addresses(const Question& question, std::size_t limit) {
  Answer answer;
  Address address = *Address::parse(question.type == type::aaaa ? "2001:db8:f::" : "10.99.64.0");
  const std::size_t low = question.type == type::aaaa ? 14 : 2;
  const std::uint8_t base = address.bytes[low];
  for (unsigned number = 0; number < limit / 16; ++number) {
    address.bytes[low] = static_cast<std::uint8_t>(base + (number >> 8));
    address.bytes[low + 1] = static_cast<std::uint8_t>(number);
    answer.records.push_back(address_record(question.name, address));
  }
  Bytes bytes = encode(question, answer, limit);
  bytes[2] = static_cast<std::uint8_t>(bytes[2] & ~2);  // not truncated: it is meant to be so
  return bytes;
}

Bytes bare_error(const Question& question) {
  Bytes bytes = encode(question, {.rcode = Rcode::server_failure, .records = {}});
  bytes.resize(header_size);
  bytes[5] = 0;  // no question
  return bytes;
}

Bytes with_broken_option(Bytes bytes) {
  bytes[11] = 1;
  // The root, OPT, 4096 bytes of payload, no flags, 5 bytes of data: option 10 of 255 bytes.
  for (const int byte : {0, 0, 41, 0x10, 0, 0, 0, 0, 0, 0, 5, 0, 10, 0, 0xff, 1}) {
    bytes.push_back(static_cast<std::uint8_t>(byte));
  }
  return bytes;
}

// Says that there is a question and a record, and ends in the first one's name.
Bytes broken_stranger(const Question& question) {
  Bytes bytes = bare_error(question);
  bytes[0] ^= 0x55;
  bytes[3] = 0x80;
  bytes[5] = bytes[7] = 1;
  bytes.insert(bytes.end(), 2, 0xff);
  return bytes;
}

Bytes mutated(const Question& question, Bytes bytes) {
  std::seed_seq seed(question.name.begin(), question.name.end());
  std::mt19937 random(seed);
  for (auto changes = 1 + random() % 4; changes > 0; --changes) {
    // The id stays: what is forged is to be looked at.
    const std::size_t at = 2 + random() % (bytes.size() - 2);
    switch (random() % 4) {
      case 0:
        bytes[at] = static_cast<std::uint8_t>(random());
        break;
      case 1:
        bytes[at] = static_cast<std::uint8_t>(bytes[at] ^ 1U << random() % 8);
        break;
      case 2:
        bytes[at] = 0xc0;
        break;
      default:
        if (at > header_size) bytes.resize(at);
    }
  }
  return bytes;
}

// The forged message itself; empty for what is none.
Bytes forged_by(Trick trick, Question question, const Bytes& truth) {
  const auto record = first_record(question);
  switch (trick) {
    case Trick::wrong_id:
      question.id ^= 0x5555;
      return forged(question);
    case Trick::wrong_question:
      return with_question(question, "other.test", question.type);
    case Trick::other_type:
      return with_question(question, question.name, question.type == type::a ? type::aaaa : type::a);
    case Trick::other_address:
      return forged(question);
    case Trick::not_an_answer:
      return with_byte(forged(question), 2, 1);
    case Trick::foreign_owner:
      return forged(question, "other.test");
    case Trick::foreign_class:
      return forged(question, question.name, 3);
    case Trick::pointer_loop:
      return with_pointer(question, record);
    case Trick::pointer_pair:
      return with_pointer_pair(question);
    case Trick::pointer_beyond:
      return with_pointer(question, 0x3fff);
    case Trick::alias_loop:
      return alias_loop(question);
    case Trick::short_record:
      return with_data_size(question, -1);
    case Trick::long_record:
      return with_data_size(question, 1);
    case Trick::data_beyond:
      return with_byte(forged(question), record + 10, 0xff);
    case Trick::too_few_records:
      return with_byte(forged(question), 7, 200);
    case Trick::header_only:
      return Bytes(truth.begin(), truth.begin() + header_size);
    case Trick::one_byte:
      return Bytes(1, truth[0]);
    case Trick::bare_error:
      return bare_error(question);
    case Trick::miscounted:
      return with_byte(truth, 11, 2);
    case Trick::broken_beside:
      return with_broken_option(truth);
    case Trick::broken_stranger:
      return broken_stranger(question);
    case Trick::huge_datagram:
      return full_of_addresses(question, huge_datagram_size);
    case Trick::mutated:
      return mutated(question, truth);
    default:
      return {};
  }
}

bool is_last_word(Trick trick) {
  return trick == Trick::foreign_owner || trick == Trick::foreign_class || trick == Trick::alias_loop ||
         trick == Trick::bare_error || trick == Trick::miscounted || trick == Trick::broken_beside ||
         trick == Trick::huge_datagram;
}

}  // namespace

Address forged_address(std::uint16_t question_type) {
  return *Address::parse(question_type == type::aaaa ? "2001:db8:bad::66" : "203.0.113.66");
}

std::vector<Reply> forge(Trick trick, const Question& question, const Answer& truth, Transport transport) {
  const bool stream = transport == Transport::stream;
  Reply right{encode(question, truth, stream ? largest_stream : largest_datagram)};
  switch (trick) {
    case Trick::none:
      return {right};
    case Trick::silence:
      return {};
    case Trick::truncated:
    case Trick::cut_stream:
    case Trick::bare_error_by_stream:
    case Trick::huge_stream:
      if (!stream) return {{encode(question, {.truncated = true, .records = {}})}};
      if (trick == Trick::huge_stream) return {{full_of_addresses(question, largest_stream)}};
      if (trick == Trick::bare_error_by_stream) return {{bare_error(question)}};
      right.cut_off = trick == Trick::cut_stream;
      return {right};
    default:
      break;
  }
  if (stream) return {right};
  Reply wrong{forged_by(trick, question, right.bytes)};
  wrong.from_other_address = trick == Trick::other_address;
  if (is_last_word(trick)) return {wrong};
  right.delay = truth_delay;
  return {wrong, right};
}

}  // namespace ctgate::test::dns

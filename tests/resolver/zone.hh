// SPDX-License-Identifier: GPL-2.0-or-later
// What the tests' DNS server says: for each name what it has, and how it misbehaves when asked. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tests/resolver/dns_message.hh"

namespace ctgate::test::dns {

enum class Transport { datagram, stream };

// One message that the server sends.
struct Reply {
  Bytes bytes;
  std::chrono::milliseconds delay{0};
  bool from_other_address = false;  // from the server's other address; datagrams only
  bool cut_off = false;             // the stream ends in the middle of the message
};

// What answers a question; called by one thread at a time. No reply at all: silence.
using Responder = std::function<std::vector<Reply>(const Bytes& query, Transport transport)>;

// How the answer to one type of question goes wrong. "then the truth": the right answer follows 3 ms later.
enum class Trick {
  none,
  silence,
  truncated,             // nothing but the TC bit in datagrams, the truth on a stream
  cut_stream,            // the same, but the stream ends within the message
  wrong_id,              // a forged address under another id, then the truth
  wrong_question,        // ... for another name, then the truth
  other_address,         // ... from another address, then the truth
  not_an_answer,         // ... without the QR bit, then the truth
  other_type,            // ... with the question's type changed, then the truth
  foreign_owner,         // the record belongs to another name
  foreign_class,         // ... to another class
  pointer_loop,          // the record's name points to itself, then the truth
  pointer_pair,          // two names that point to each other, then the truth
  pointer_beyond,        // ... past the message's end, then the truth
  alias_loop,            // two aliases that lead to each other
  short_record,          // an address of 3 (15) bytes, then the truth
  long_record,           // of 5 (17) bytes, then the truth
  data_beyond,           // a record whose data would end past the message, then the truth
  too_few_records,       // the header counts more than there are, then the truth
  header_only,           // 12 bytes, then the truth
  one_byte,              // then the truth
  empty,                 // an empty datagram, then the truth
  bare_error,            // SERVFAIL in 12 bytes, without the question; nothing else
  bare_error_by_stream,  // truncated, then the same by TCP
  miscounted,            // the truth, but the header counts two additional records that are not there
  broken_beside,         // the truth, and with it an OPT record whose option would end past the message
  broken_stranger,       // under another id a message that cannot be read, then the truth
  huge_datagram,         // 60,000 bytes of addresses
  huge_stream,           // truncated, then 65,535 bytes by TCP
  mutated,               // the truth with some bytes changed, from a seed that the name gives; then the truth
};

[[nodiscard]] Address forged_address(std::uint16_t question_type);  // 203.0.113.66, 2001:db8:bad::66

struct Entry {
  std::vector<Address> addresses;
  std::string alias = {};  // CNAME: followed as far as the zone knows it
  Rcode rcode_a = Rcode::no_error;
  Rcode rcode_aaaa = Rcode::no_error;
  Trick trick_a = Trick::none;
  Trick trick_aaaa = Trick::none;
  std::chrono::milliseconds delay{0};
  bool rotate = false;  // the addresses begin with another one each time
};

class Zone {
 public:
  // `name` in lower case; "*.example" stands for every name below example that has no entry of its own.
  Zone& add(std::string_view name, Entry entry);

  // What to reply; what is not a query gets no reply. The truth is cut to 1232 bytes in a datagram.
  [[nodiscard]] std::vector<Reply> respond(const Bytes& query, Transport transport);

 private:
  [[nodiscard]] Entry* find(std::string_view name);
  [[nodiscard]] Answer look_up(const Question& question);

  std::map<std::string, Entry, std::less<>> entries_;
};

// The replies with which the trick is played; `truth`: the right answer. In forge.cc.
[[nodiscard]] std::vector<Reply> forge(Trick trick, const Question& question, const Answer& truth, Transport transport);

inline constexpr std::size_t largest_datagram = 1232;

}  // namespace ctgate::test::dns

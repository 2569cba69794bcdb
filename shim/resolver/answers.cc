// SPDX-License-Identifier: GPL-2.0-or-later
#include "shim/resolver/answers.hh"

#include <netdb.h>

#include <cstring>

namespace ctgate::resolver {
namespace {

// As glibc's NSS_STATUS_SUCCESS, NOTFOUND and UNAVAIL.
enum class Status : std::uint8_t { success, not_found, malformed, no_memory };

struct Record {
  WireName owner;
  std::uint16_t type = 0;
  std::size_t data = 0;  // offset
  std::size_t size = 0;
};

// Reads the record at `offset` and steps over it. False: malformed.
bool next_record(Bytes message, std::size_t& offset, Record& record) {
  const std::size_t taken = read_name(message, offset, record.owner);
  if (taken == 0 || message.size() - offset - taken < 10) return false;
  const std::size_t fixed = offset + taken;
  record.type = read_16(message, fixed);
  record.size = read_16(message, fixed + 8);
  record.data = fixed + 10;
  if (message.size() - record.data < record.size) return false;
  offset = record.data + record.size;
  return true;
}

HostAddress to_address(Bytes message, const Record& record) {
  HostAddress address;
  address.family = record.type == type_a ? AF_INET : AF_INET6;
  std::memcpy(address.bytes, message.data() + record.data, record.size);
  return address;
}

// gaih_getanswer_slice(). The owner of a CNAME is not compared: "historic precedent".
Status collect_one(Bytes message, HostAddressList& addresses, bool store_canonical, std::span<char> canonical) {
  Header header;
  WireName expected;
  if (!read_header(message, header) || header.questions != 1) return Status::malformed;
  const std::size_t question = read_name(message, header_size, expected);
  // glibc accepts no compression pointers in a question: the name must take exactly as many bytes as it has.
  if (question == 0 || question != expected.size) return Status::malformed;
  if (message.size() - header_size - question < 4) return Status::malformed;
  const std::uint16_t type = read_16(message, header_size + question);
  if (header.answers == 0 || !is_host_name(expected)) return Status::not_found;

  const std::size_t address_size = type == type_a ? 4 : type == type_aaaa ? 16 : 0;
  WireName alias = expected;
  bool found = false;
  std::size_t offset = header_size + question + 4;
  for (unsigned i = 0; i < header.answers; ++i) {
    Record record;
    if (!next_record(message, offset, record)) return Status::malformed;
    if (record.type == type_cname) {
      if (read_name(message, record.data, expected) == 0) return Status::malformed;
      if (is_host_name(expected)) alias = expected;
    } else if (record.type == type && record.size == address_size && same_name(record.owner, expected)) {
      if (!addresses.push(to_address(message, record))) return Status::no_memory;
      if (store_canonical && !found && !to_text(alias, canonical)) canonical[0] = '\0';
      found = true;
    }
  }
  return found ? Status::success : Status::not_found;
}

}  // namespace

int to_address_error(HostError error) {
  switch (error) {
    case HostError::none:
      return 0;
    case HostError::try_again:
      return EAI_AGAIN;
    case HostError::no_data:
      return EAI_NODATA;
    case HostError::not_found:
    case HostError::no_recovery:
      break;
  }
  return EAI_NONAME;
}

HostError judge(const Answers& answers) {
  Header first;
  Header second;
  const bool have_first = read_header(answers.first, first);
  const bool have_second = read_header(answers.second, second);
  if (!have_first) first = second;
  if (!have_second) second = first;
  const auto has_data = [](const Header& header) {
    return header.code == ResponseCode::no_error && header.answers != 0;
  };
  if (has_data(first) || has_data(second)) return HostError::none;
  switch (first.code == ResponseCode::no_error ? second.code : first.code) {
    case ResponseCode::nx_domain:
      return HostError::not_found;
    case ResponseCode::serv_fail:
      return HostError::try_again;
    case ResponseCode::no_error:
      return HostError::no_data;
    default:
      return HostError::no_recovery;
  }
}

Collected collect(const Answers& answers, HostAddressList& addresses, std::span<char, longest_name_text> canonical) {
  canonical[0] = '\0';
  Status status = Status::not_found;
  if (!answers.first.empty()) status = collect_one(answers.first, addresses, true, canonical);
  if ((status == Status::success || status == Status::not_found) && !answers.second.empty()) {
    const Status second = collect_one(answers.second, addresses, status != Status::success, canonical);
    if (second == Status::no_memory) return Collected::no_memory;
    if (status != Status::success && second != Status::not_found) status = second;
  }
  if (status == Status::no_memory) return Collected::no_memory;
  return status == Status::success ? Collected::addresses : Collected::nothing;
}

}  // namespace ctgate::resolver

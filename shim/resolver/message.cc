// SPDX-License-Identifier: GPL-2.0-or-later
#include "shim/resolver/message.hh"

#include <cstring>

namespace ctgate::resolver {
namespace {

constexpr std::uint8_t lower(std::uint8_t byte) {
  return byte >= 'A' && byte <= 'Z' ? static_cast<std::uint8_t>(byte + ('a' - 'A')) : byte;
}

constexpr bool in_host_name(std::uint8_t byte) {
  return (byte >= '0' && byte <= '9') || (lower(byte) >= 'a' && lower(byte) <= 'z') || byte == '-' || byte == '_';
}

// Writes the labels of `name` and the empty label at the end. Returns the number of bytes, or 0.
std::size_t write_name(const char* name, std::uint8_t* out) {
  std::size_t size = 0;
  while (*name != '\0') {
    const char* end = std::strchr(name, '.');
    const std::size_t label = end == nullptr ? std::strlen(name) : static_cast<std::size_t>(end - name);
    if (label == 0 || label > 63 || size + 1 + label + 1 > longest_wire_name) return 0;
    out[size] = static_cast<std::uint8_t>(label);
    std::memcpy(out + size + 1, name, label);
    size += 1 + label;
    name += label;
    if (*name == '.') ++name;
  }
  out[size] = 0;
  return size == 0 ? 0 : size + 1;
}

}  // namespace

bool read_header(Bytes message, Header& header) {
  if (message.size() < header_size) return false;
  header.id = read_16(message, 0);
  header.authoritative = (message[2] & 0x04) != 0;
  header.truncated = (message[2] & 0x02) != 0;
  header.recursion_available = (message[3] & 0x80) != 0;
  header.code = static_cast<ResponseCode>(message[3] & 0x0f);
  header.questions = read_16(message, 4);
  header.answers = read_16(message, 6);
  header.additional = read_16(message, 10);
  return true;
}

std::size_t write_query(const char* name, RecordType type, std::uint16_t id,
                        std::span<std::uint8_t, longest_query> out) {
  std::memset(out.data(), 0, header_size);
  out[0] = static_cast<std::uint8_t>(id >> 8);
  out[1] = static_cast<std::uint8_t>(id);
  out[2] = 0x01;  // recursion desired
  out[5] = 1;     // one question
  const std::size_t name_size = write_name(name, out.data() + header_size);
  if (name_size == 0) return 0;
  std::uint8_t* tail = out.data() + header_size + name_size;
  tail[0] = static_cast<std::uint8_t>(type >> 8);
  tail[1] = static_cast<std::uint8_t>(type);
  tail[2] = 0;
  tail[3] = 1;  // class IN
  return header_size + name_size + 4;
}

std::size_t read_name(Bytes message, std::size_t offset, WireName& name) {
  std::size_t taken = 0;  // bytes at `offset`; known at the first pointer
  std::size_t jumped_over = 0;
  name.size = 0;
  for (std::size_t at = offset; at < message.size();) {
    const std::uint8_t length = message[at];
    if ((length & 0xc0) == 0xc0) {
      if (at + 1 >= message.size()) return 0;
      if (taken == 0) taken = at + 2 - offset;
      // As in libc: a chain of pointers longer than the message is a loop.
      jumped_over += 2;
      if (jumped_over >= message.size()) return 0;
      at = static_cast<std::size_t>((length & 0x3f) << 8 | message[at + 1]);
      continue;
    }
    if ((length & 0xc0) != 0) return 0;
    const std::size_t label = std::size_t{1} + length;
    if (at + label > message.size() || name.size + label > longest_wire_name) return 0;
    std::memcpy(name.bytes + name.size, message.data() + at, label);
    name.size += label;
    at += label;
    if (length == 0) return taken == 0 ? at - offset : taken;
  }
  return 0;
}

bool answers_query(Bytes message, Bytes query) {
  Header header;
  if (!read_header(message, header) || header.id != read_16(query, 0)) return false;
  if (message.size() == header_size && header.questions == 0) return is_server_error(header.code);
  if (header.questions != 1) return false;
  WireName asked, answered;
  const std::size_t end = header_size + read_name(query, header_size, asked);
  const std::size_t size = read_name(message, header_size, answered);
  const std::size_t tail = header_size + size;
  if (size == 0 || tail + 4 > message.size()) return false;
  return same_name(asked, answered) && std::memcmp(message.data() + tail, query.data() + end, 4) == 0;
}

bool same_name(const WireName& one, const WireName& other) {
  if (one.size != other.size) return false;
  for (std::size_t i = 0; i < one.size; ++i) {
    // The lengths of labels are below 64, so none is taken for a letter.
    if (lower(one.bytes[i]) != lower(other.bytes[i])) return false;
  }
  return true;
}

bool is_host_name(const WireName& name) {
  if (name.size > 1 && name.bytes[1] == '-') return false;
  for (std::size_t at = 0; at < name.size && name.bytes[at] != 0; at += std::size_t{1} + name.bytes[at]) {
    for (std::size_t i = 1; i <= name.bytes[at]; ++i) {
      if (!in_host_name(name.bytes[at + i])) return false;
    }
  }
  return true;
}

bool to_text(const WireName& name, std::span<char> out) {
  std::size_t used = 0;
  for (std::size_t at = 0; at < name.size && name.bytes[at] != 0; at += std::size_t{1} + name.bytes[at]) {
    const std::size_t label = name.bytes[at];
    if (used + label + 1 >= out.size()) return false;
    if (used > 0) out[used++] = '.';
    std::memcpy(out.data() + used, name.bytes + at + 1, label);
    used += label;
  }
  if (used == 0) {  // the root
    if (out.size() < 2) return false;
    out[used++] = '.';
  }
  out[used] = '\0';
  return true;
}

}  // namespace ctgate::resolver

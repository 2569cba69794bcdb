// SPDX-License-Identifier: GPL-2.0-or-later
// DNS messages on the wire (RFC 1035): the questions sent, and the headers and names of answers. Pure. Every byte of an
// answer may be hostile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace ctgate::resolver {

using Bytes = std::span<const std::uint8_t>;

inline constexpr std::size_t header_size = 12;
inline constexpr std::size_t longest_wire_name = 255;
inline constexpr std::size_t longest_query = header_size + longest_wire_name + 4;

enum RecordType : std::uint16_t { type_a = 1, type_cname = 5, type_aaaa = 28 };

// RFC 1035, 4.1.1.
enum class ResponseCode : std::uint8_t {
  no_error = 0,
  form_err = 1,
  serv_fail = 2,
  nx_domain = 3,
  not_imp = 4,
  refused = 5
};

// The server could not do its job, but another one may: glibc goes on to the next.
[[nodiscard]] constexpr bool is_server_error(ResponseCode code) {
  return code == ResponseCode::serv_fail || code == ResponseCode::not_imp || code == ResponseCode::refused;
}

struct Header {
  std::uint16_t id = 0;
  bool authoritative = false;
  bool truncated = false;
  bool recursion_available = false;
  ResponseCode code = ResponseCode::no_error;
  std::uint16_t questions = 0;
  std::uint16_t answers = 0;
  std::uint16_t additional = 0;
};

// False: shorter than a header.
[[nodiscard]] bool read_header(Bytes message, Header& header);

// Writes a question of class IN with recursion desired and no EDNS: what libc sends by default. `name` must pass
// is_plain_name() (qualify.hh); a trailing dot is allowed. Returns the length, or 0 if the name does not fit.
[[nodiscard]] std::size_t write_query(const char* name, RecordType type, std::uint16_t id,
                                      std::span<std::uint8_t, longest_query> out);

// Whether a datagram answers the question sent in `query`: id, name, type and class must match, as in glibc's send_dg()
// and __libc_res_queriesmatch() (resolv/res_send.c). A bare error need not repeat the question. If the question can't
// be read, the datagram is no answer; glibc would read past its end and might accept it.
[[nodiscard]] bool answers_query(Bytes message, Bytes query);

// A name as in a message, but uncompressed: labels with their lengths, the last one empty.
struct WireName {
  std::uint8_t bytes[longest_wire_name] = {};
  std::size_t size = 0;
};

// Reads the name at `offset`, following compression pointers. Returns the number of bytes it takes up there, or 0 if it
// is malformed (out of bounds, a loop, longer than 255 bytes, a label of unknown type).
[[nodiscard]] std::size_t read_name(Bytes message, std::size_t offset, WireName& name);

[[nodiscard]] bool same_name(const WireName& one, const WireName& other);

// Letters, digits, '-' and '_' only, and no '-' at the start: libc accepts no other host names (res_hnok(3)).
[[nodiscard]] bool is_host_name(const WireName& name);

// As text, without a trailing dot. False: `out` is too small. Only for names that pass is_host_name().
[[nodiscard]] bool to_text(const WireName& name, std::span<char> out);

[[nodiscard]] inline std::uint16_t read_16(Bytes message, std::size_t offset) {
  return static_cast<std::uint16_t>(message[offset] << 8 | message[offset + 1]);
}

}  // namespace ctgate::resolver

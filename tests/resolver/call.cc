// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/resolver/call.hh"

#include <netdb.h>

#include <charconv>
#include <cstdio>
#include <stdexcept>

namespace ctgate::test {
namespace {

std::string encode(const std::optional<std::string>& text) {
  if (!text) return "-";
  std::string result = "=";
  for (const char letter : *text) {
    const auto byte = static_cast<unsigned char>(letter);
    if (byte > ' ' && byte < 0x7f && letter != '%' && letter != ';' && letter != ',') {
      result += letter;
    } else {
      char code[4];
      std::snprintf(code, sizeof code, "%%%02x", static_cast<unsigned>(byte));
      result += code;
    }
  }
  return result;
}

bool decode(std::string_view field, std::optional<std::string>& text) {
  text.reset();
  if (field == "-") return true;
  if (!field.starts_with('=')) return false;
  text.emplace();
  for (std::size_t at = 1; at < field.size(); ++at) {
    if (field[at] != '%') {
      *text += field[at];
      continue;
    }
    unsigned byte = 0;
    if (at + 3 > field.size() || std::from_chars(&field[at + 1], &field[at] + 3, byte, 16).ptr != &field[at] + 3) {
      return false;
    }
    *text += static_cast<char>(byte);
    at += 2;
  }
  return true;
}

template <typename Number>
bool decode_number(std::string_view field, Number& number) {
  const auto end = field.data() + field.size();
  return std::from_chars(field.data(), end, number).ptr == end && !field.empty();
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> fields;
  for (std::size_t at = 0;;) {
    const auto end = text.find(separator, at);
    fields.push_back(text.substr(at, end - at));
    if (end == std::string_view::npos) return fields;
    at = end + 1;
  }
}

std::string quoted(const std::optional<std::string>& text) {
  return text ? '"' + encode(text).substr(1) + '"' : "NULL";
}

}  // namespace

std::string Call::to_line() const {
  std::string line = encode(node) + '\t' + encode(service);
  if (hints) {
    for (const int value : {hints->family, hints->socktype, hints->protocol, hints->flags}) {
      line += '\t' + std::to_string(value);
    }
  }
  return line;
}

std::optional<Call> Call::from_line(std::string_view line) {
  const auto fields = split(line, '\t');
  Call call;
  if (fields.size() != 2 && fields.size() != 6) return std::nullopt;
  if (!decode(fields[0], call.node) || !decode(fields[1], call.service)) return std::nullopt;
  if (fields.size() == 6) {
    Hints hints;
    if (!decode_number(fields[2], hints.family) || !decode_number(fields[3], hints.socktype) ||
        !decode_number(fields[4], hints.protocol) || !decode_number(fields[5], hints.flags)) {
      return std::nullopt;
    }
    call.hints = hints;
  }
  return call;
}

std::string Call::describe() const {
  std::string text = "getaddrinfo(" + quoted(node) + ", " + quoted(service) + ", ";
  if (!hints) return text + "NULL)";
  char numbers[80];
  std::snprintf(numbers, sizeof numbers, "{family %d, socktype %d, protocol %d, flags 0x%x})", hints->family,
                hints->socktype, hints->protocol, static_cast<unsigned>(hints->flags));
  return text + numbers;
}

std::string Found::describe() const {
  return address + " socktype " + std::to_string(socktype) + " protocol " + std::to_string(protocol) + " flags " +
         std::to_string(flags) + (canonical_name ? " canonname " + quoted(canonical_name) : "");
}

std::string Outcome::to_line() const {
  std::string line = std::to_string(code) + '\t' + std::to_string(system_error) + '\t' + std::to_string(time.count());
  for (const auto& one : found) {
    line += '\t';
    for (const int value : {one.flags, one.family, one.socktype, one.protocol}) line += std::to_string(value) + ',';
    line += one.address + ',' + encode(one.canonical_name);
  }
  return line;
}

std::optional<Outcome> Outcome::from_line(std::string_view line) {
  const auto fields = split(line, '\t');
  Outcome outcome;
  std::int64_t time = 0;
  if (fields.size() < 3 || !decode_number(fields[0], outcome.code) || !decode_number(fields[1], outcome.system_error) ||
      !decode_number(fields[2], time)) {
    return std::nullopt;
  }
  outcome.time = std::chrono::microseconds(time);
  for (std::size_t i = 3; i < fields.size(); ++i) {
    const auto parts = split(fields[i], ',');
    Found one;
    if (parts.size() != 6 || !decode_number(parts[0], one.flags) || !decode_number(parts[1], one.family) ||
        !decode_number(parts[2], one.socktype) || !decode_number(parts[3], one.protocol) ||
        !decode(parts[5], one.canonical_name)) {
      return std::nullopt;
    }
    one.address = parts[4];
    outcome.found.push_back(std::move(one));
  }
  return outcome;
}

std::vector<Outcome> parse_outcomes(std::string_view text) {
  std::vector<Outcome> outcomes;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    auto outcome = Outcome::from_line(line);
    if (!outcome) throw std::runtime_error("resolve_calls printed: " + std::string(line));
    outcomes.push_back(std::move(*outcome));
  }
  return outcomes;
}

}  // namespace ctgate::test

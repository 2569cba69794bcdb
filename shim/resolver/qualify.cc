// SPDX-License-Identifier: GPL-2.0-or-later
#include "shim/resolver/qualify.hh"

#include <arpa/inet.h>
#include <strings.h>

#include <cstring>

namespace ctgate::resolver {
namespace {

constexpr bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

// Takes the next line off `rest`, without its line feed and comment. False: there is none.
bool next_line(Text& rest, Text& line) {
  if (rest.empty()) return false;
  const auto* end = static_cast<const char*>(std::memchr(rest.data(), '\n', rest.size()));
  const std::size_t length = end == nullptr ? rest.size() : static_cast<std::size_t>(end - rest.data());
  line = rest.first(length);
  rest = end == nullptr ? Text{} : rest.last(rest.size() - length - 1);
  if (!line.empty()) {
    const auto* comment = static_cast<const char*>(std::memchr(line.data(), '#', line.size()));
    if (comment != nullptr) line = line.first(static_cast<std::size_t>(comment - line.data()));
  }
  return true;
}

// Takes the next word off `line`; empty: there is none.
Text next_word(Text& line) {
  std::size_t begin = 0;
  while (begin < line.size() && is_blank(line[begin])) ++begin;
  std::size_t end = begin;
  while (end < line.size() && !is_blank(line[end])) ++end;
  const Text word = line.subspan(begin, end - begin);
  line = line.last(line.size() - end);
  return word;
}

bool equals(Text word, const char* text) {
  return word.size() == std::strlen(text) && strncasecmp(word.data(), text, word.size()) == 0;
}

constexpr bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

const char* judge_hosts_words(Text words) {
  Text word = next_word(words);
  if (!equals(word, "files")) return "nsswitch.conf: hosts does not begin with files";
  word = next_word(words);
  if (!equals(word, "dns")) return "nsswitch.conf: hosts is not files and then dns";
  return next_word(words).empty() ? nullptr : "nsswitch.conf: hosts has more than files and dns";
}

}  // namespace

const char* judge_request(const char* node, const addrinfo* hints) {
  if (node == nullptr) return "no name to resolve";
  if (hints != nullptr) {
    if (hints->ai_family != AF_UNSPEC) return "one address family is asked for: one datagram";
    // AI_V4MAPPED and AI_ALL have no effect with AF_UNSPEC, AI_IDN has none on a plain name; for AI_CANONIDN see
    // needs_decoding().
    constexpr int harmless =
        AI_ADDRCONFIG | AI_CANONNAME | AI_NUMERICSERV | AI_V4MAPPED | AI_ALL | AI_IDN | AI_CANONIDN;
    if ((hints->ai_flags & ~harmless) != 0) return "flags that only libc handles: passive, numeric host or unknown";
  }
  return is_plain_name(node) ? nullptr : "no plain host name: numeric, IDN, too long or malformed";
}

bool is_label_list(const char* name) {
  constexpr std::size_t longest = 253;
  const std::size_t length = strnlen(name, longest + 2);
  const bool dot = length > 0 && name[length - 1] == '.';
  if (length == 0 || length - (dot ? 1 : 0) > longest) return false;
  std::size_t label = 0;
  for (std::size_t i = 0; i < length; ++i) {
    if (name[i] == '.') {
      if (label == 0) return false;
      label = 0;
    } else if ((!is_alphanumeric(name[i]) && name[i] != '-' && name[i] != '_') || ++label > 63) {
      return false;
    }
  }
  return true;
}

bool is_plain_name(const char* name) {
  if (!is_label_list(name) || name[0] == '-') return false;
  in_addr address;
  return inet_aton(name, &address) == 0;  // "1", "0x7f.1", ...; IPv6 has colons
}

bool needs_decoding(const char* canonical, int flags) {
  if ((flags & (AI_CANONNAME | AI_CANONIDN)) != (AI_CANONNAME | AI_CANONIDN)) return false;
  for (const char* label = canonical; label != nullptr; label = std::strchr(label, '.')) {
    if (*label == '.') ++label;
    if (strncasecmp(label, "xn--", 4) == 0) return true;
  }
  return false;
}

const char* judge_nsswitch(Text file) {
  bool seen = false;
  const char* reason = "nsswitch.conf: no hosts line, so libc's built-in default holds";
  Text line;
  while (next_line(file, line)) {
    Text word = next_word(line);
    // "hosts:" or "hosts :"
    if (equals(word, "hosts")) {
      word = next_word(line);
      if (!equals(word, ":")) return "nsswitch.conf: hosts is written unusually";
    } else if (!equals(word, "hosts:")) {
      // libc also reads "hosts:files"; whatever looks like that is left to it.
      if (word.size() > 5 && strncasecmp(word.data(), "hosts:", 6) == 0) {
        return "nsswitch.conf: hosts is written unusually";
      }
      continue;
    }
    if (seen) return "nsswitch.conf: more than one hosts line";
    seen = true;
    reason = judge_hosts_words(line);
  }
  return reason;
}

const char* judge_gai(Text file) {
  Text line;
  while (next_line(file, line)) {
    if (!next_word(line).empty()) return "gai.conf changes the order of addresses";
  }
  return nullptr;
}

const char* judge_resolv_conf(Text file) {
  Text line;
  while (next_line(file, line)) {
    if (!equals(next_word(line), "options")) continue;
    for (Text word = next_word(line); !word.empty(); word = next_word(line)) {
      if (equals(word, "single-request") || equals(word, "single-request-reopen")) {
        return "resolv.conf: option single-request, so a server may take one question at a time";
      }
    }
  }
  return nullptr;
}

bool hosts_has(Text file, const char* name) {
  Text line;
  while (next_line(file, line)) {
    for (Text word = next_word(line); !word.empty(); word = next_word(line)) {
      if (equals(word, name)) return true;
    }
  }
  return false;
}

}  // namespace ctgate::resolver

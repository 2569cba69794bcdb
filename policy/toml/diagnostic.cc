// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/toml/diagnostic.hh"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace ctgate {

namespace {

constexpr std::size_t longest_shown = 60;

bool is_c1_control(unsigned char byte, unsigned char next) {
  return byte == 0xc2 && next >= 0x80 && next <= 0x9f;  // U+0080 to U+009F in UTF-8
}

// No C0 or C1 control and no DEL: a policy file must not be able to write escape sequences to a terminal.
std::string printable(std::string_view text) {
  std::string shown;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : static_cast<unsigned char>(0);
    if (byte < 0x20 || byte == 0x7f || is_c1_control(byte, next))
      shown += fmt::format("\\x{:02x}", byte);
    else
      shown += text[i];
  }
  return shown;
}

// The longest beginning of at most `longest_shown` bytes that does not cut a UTF-8 sequence.
std::string_view beginning(std::string_view text) {
  if (text.size() <= longest_shown) return text;
  std::size_t end = longest_shown;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) --end;
  return text.substr(0, end);
}

}  // namespace

std::string in_quotes(std::string_view text) {
  std::string escaped;
  for (const char c : beginning(text)) {
    if (c == '"' || c == '\\') escaped += '\\';
    escaped += c;
  }
  return fmt::format("\"{}{}\"", printable(escaped), text.size() > longest_shown ? "..." : "");
}

std::string one_of(const std::vector<std::string>& choices) {
  std::vector<std::string> words;
  std::transform(choices.begin(), choices.end(), std::back_inserter(words), in_quotes);
  return fmt::format("{}{}", words.size() > 1 ? "one of " : "", fmt::join(words, ", "));
}

std::string Diagnostic::to_string() const {
  std::string text = fmt::format("{}:{}:{}: ", file, line, column);
  if (!key.empty()) text += fmt::format("{}: ", key);
  text += problem;
  // A near word says more than the list of all of them.
  if (!expected.empty() && (problem.empty() || nearest.empty()))
    text += fmt::format("{}expected {}", problem.empty() ? "" : "; ", expected);
  if (!found.empty() && problem.empty()) text += fmt::format(", found {}", found);
  if (!nearest.empty()) text += fmt::format("; did you mean \"{}\"?", nearest);
  return printable(text);
}

std::string to_string(const std::vector<Diagnostic>& diagnostics) {
  std::string text;
  for (const auto& diagnostic : diagnostics) text += diagnostic.to_string() + '\n';
  return text;
}

}  // namespace ctgate

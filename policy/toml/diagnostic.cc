// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/toml/diagnostic.hh"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace ctgate {

namespace {

constexpr std::size_t longest_shown = 60;
constexpr std::size_t longest_word = 64;

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

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
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

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_previous(b.size() + 1);
  std::vector<std::size_t> previous(b.size() + 1);
  std::vector<std::size_t> current(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) current[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::swap(before_previous, previous);
    std::swap(previous, current);
    current[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substitution = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      current[j] = std::min({previous[j] + 1, current[j - 1] + 1, substitution});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) current[j] = std::min(current[j], before_previous[j - 2] + 1);
    }
  }
  return current[b.size()];
}

std::string nearest_word(std::string_view written, const std::vector<std::string>& valid) {
  if (written.empty() || written.size() > longest_word) return {};
  const std::string lower = lower_case(written);
  const std::size_t limit = std::max<std::size_t>(2, written.size() / 3);
  std::size_t best = limit + 1;
  std::string nearest;
  for (const auto& word : valid) {
    if (word.size() > longest_word) continue;
    const std::size_t distance = edit_distance(lower, lower_case(word));
    // A distance as long as the longer word means nothing in common: "h" is no typing error for "s".
    if (distance < best && distance < std::max(lower.size(), word.size())) {
      best = distance;
      nearest = word;
    }
  }
  return nearest;
}

}  // namespace ctgate

// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/toml/syntax.hh"

#include <algorithm>

#include "policy/toml/parse.hh"

namespace ctgate {

namespace {

// More dots than any sensible key has in one line, outside strings and comments. toml++ makes a nested table for each
// and destroys them recursively: 300,000 dots overflow the stack (seen with toml++ 3.3.0). It limits nested brackets by
// itself, to 256; so many levels with this many dots each stay far below a stack of 8 MiB.
constexpr unsigned most_dots = 16;

// What toml++ must not see.
struct Hazard {
  enum class Kind { deep_nesting, not_ascii } kind;
  toml::source_position position;
  std::size_t offset;  // bytes
};

// Follows strings and comments just as far as needed to know what is outside of them.
class HazardFinder {
 public:
  explicit HazardFinder(std::string_view text) : text_(text) {
    constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
    if (text_.starts_with(byte_order_mark)) at_ = byte_order_mark.size();
  }

  std::optional<Hazard> find() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\n') {
        next_line();
      } else if (c == '"' || c == '\'') {
        skip_string(c);
        continue;
      } else if (c == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
        continue;
      } else if (c == '.' && ++dots_ > most_dots) {
        return Hazard{Hazard::Kind::deep_nesting, {line_, column()}, at_};
      } else if ((static_cast<unsigned char>(c) & 0x80U) != 0) {
        // Never TOML. toml++ 3.3.0 promises the compiler that some of these do not come
        // (__builtin_unreachable in is_non_ascii_horizontal_whitespace()), and reads on as it likes.
        return Hazard{Hazard::Kind::not_ascii, {line_, column()}, at_};
      }
      ++at_;
    }
    return std::nullopt;
  }

 private:
  [[nodiscard]] unsigned column() const {  // in characters: the continuation bytes of UTF-8 do not count
    const auto before = text_.substr(line_start_, at_ - line_start_);
    const auto begins = [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; };
    return static_cast<unsigned>(std::count_if(before.begin(), before.end(), begins)) + 1;
  }

  void next_line() {
    ++line_;
    line_start_ = at_ + 1;
    dots_ = 0;
  }

  void skip_string(char quote) {
    const std::string triple(3, quote);
    const bool multi_line = text_.substr(at_).starts_with(triple);
    at_ += multi_line ? 3 : 1;
    while (at_ < text_.size()) {
      if (multi_line ? text_.substr(at_).starts_with(triple) : text_[at_] == quote) break;
      if (text_[at_] == '\n') {
        if (!multi_line) return;  // an error for the parser; the next line is looked at afresh
        next_line();
      }
      if (quote == '"' && text_[at_] == '\\' && at_ + 1 < text_.size() && text_[at_ + 1] != '\n') ++at_;
      ++at_;
    }
    at_ = std::min(at_ + (multi_line ? 3 : 1), text_.size());
    // A multi-line string may end in one or two quotes of its own, right before the three that close it.
    for (int own = 0; multi_line && own < 2 && at_ < text_.size() && text_[at_] == quote; ++own) ++at_;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_start_ = 0;
  unsigned line_ = 1;
  unsigned dots_ = 0;
};

std::string_view line_of(std::string_view text, unsigned number) {
  for (; number > 1; --number) text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  return text.substr(0, text.find('\n'));
}

// The value in a line such as `resolver = c-ares  # fast`: one word that is no number and was probably meant to be a
// string. Empty: there is none, or it begins behind `column`.
std::string_view unquoted_word(std::string_view line, unsigned column) {
  constexpr std::string_view digits = "0123456789";
  constexpr std::string_view of_keys = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-. \t";
  constexpr std::string_view of_words = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./:*";
  const auto equals = line.find('=');
  if (equals == line.npos || equals + 1 >= column || line.find_first_not_of(of_keys) != equals) return {};
  line.remove_prefix(std::min(line.find_first_not_of(" \t", equals + 1), line.size()));
  const auto word = line.substr(0, line.find_first_not_of(of_words));
  line.remove_prefix(word.size());
  const auto rest = line.find_first_not_of(" \t\r");
  if (rest != line.npos && line[rest] != '#') return {};
  return word.find_first_not_of(digits) == word.npos ? std::string_view{} : word;
}

Diagnostic describe_syntax_error(const toml::parse_error& error, std::string_view text) {
  Diagnostic diagnostic;
  // toml++ says what it was reading in front: "Error while parsing array: expected comma".
  std::string_view message = error.description();
  if (const auto colon = message.find(": "); message.starts_with("Error while parsing ") && colon != message.npos)
    message.remove_prefix(colon + 2);
  const auto position = error.source().begin;
  const auto word = unquoted_word(line_of(text, position.line), position.column);
  if (word.empty() || message.find("redefine") != message.npos) {
    diagnostic.problem = fmt::format("not TOML: {}", message);
  } else {
    diagnostic.expected = "a string in double quotes";
    diagnostic.found = word;
    diagnostic.nearest = word;
  }
  return diagnostic;
}

}  // namespace

std::optional<toml::table> parse_toml(std::string_view text, Problems& problems) {
  const auto refuse = [&](toml::source_position position, std::string problem, std::string expected) {
    Diagnostic diagnostic;
    diagnostic.problem = std::move(problem);
    diagnostic.expected = std::move(expected);
    problems.add(position, std::move(diagnostic));
    return std::nullopt;
  };
  if (text.size() > largest_policy_file)
    return refuse({1, 1}, "file too large", fmt::format("at most {} bytes", largest_policy_file));
  const auto hazard = HazardFinder(text).find();
  if (hazard && hazard->kind == Hazard::Kind::deep_nesting)
    return refuse(hazard->position, "tables nested too deeply", "keys such as gate.max_hold");
  try {
    if (!hazard) return toml::parse(text);
    // An error in front of the hazard is the first one. The control character, which is never TOML, takes its place.
    (void)toml::parse(std::string(text.substr(0, hazard->offset)) + '\x01');
  } catch (const toml::parse_error& error) {
    if (!hazard || error.source().begin.line < hazard->position.line) {
      problems.add(error.source().begin, describe_syntax_error(error, text));
      return std::nullopt;
    }
  }
  return refuse(hazard->position, "not TOML: a character outside ASCII",
                "such characters only in strings and comments");
}

}  // namespace ctgate

// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/toml/toml_text.hh"

#include <algorithm>

namespace ctgate {

namespace {

// 256 nested inline tables (toml++'s limit) with so many dots each stay far below a stack of 8 MiB.
constexpr unsigned most_dots = 16;

constexpr std::string_view bare_key_characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

std::string_view without_indent(std::string_view line) {
  const auto first = line.find_first_not_of(" \t");
  return first == line.npos ? std::string_view{} : line.substr(first);
}

// "[gate]" and "[[rule]]", also without their end. An array element such as `["a"]` in a line of its own is not one.
bool is_header(std::string_view line) {
  line = without_indent(line.substr(0, line.find('#')));
  if (!line.starts_with('[')) return false;
  line.remove_prefix(line.starts_with("[[") ? 2 : 1);
  line = without_indent(line);
  return line.find_first_of(bare_key_characters) == 0 && line.find('=') == line.npos && line.find(',') == line.npos;
}

// The key in front of '=', or empty if the line does not begin with one.
std::string_view key_of(std::string_view line) {
  line = without_indent(line);
  const auto equals = line.find('=');
  if (equals == line.npos) return {};
  auto key = line.substr(0, equals);
  const auto last = key.find_last_not_of(" \t");
  if (last == key.npos) return {};
  key = key.substr(0, last + 1);
  const auto allowed = [](char c) { return c == '.' || bare_key_characters.find(c) != bare_key_characters.npos; };
  return std::all_of(key.begin(), key.end(), allowed) ? key : std::string_view{};
}

bool is_statement(std::string_view line) {
  return is_header(line) || !key_of(line).empty();
}

std::string_view header_name(std::string_view line) {
  line = without_indent(line);
  const auto first = line.find_first_not_of("[ \t");
  if (first == line.npos) return {};
  line.remove_prefix(first);
  return line.substr(0, line.find_first_not_of(bare_key_characters));
}

// Follows strings and comments just as far as needed to know which dots are part of keys or numbers.
class DotCounter {
 public:
  explicit DotCounter(std::string_view text) : text_(text) {}

  std::optional<TextPosition> find() {
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
        return TextPosition{line_, column()};
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

}  // namespace

std::optional<TextPosition> find_excessive_nesting(std::string_view text) {
  return DotCounter(text).find();
}

TomlText::TomlText(std::string_view text) {
  for (;;) {
    const auto end = text.find('\n');
    lines_.emplace_back(text.substr(0, end));
    if (end == text.npos) return;
    text.remove_prefix(end + 1);
  }
}

TomlText::Statement TomlText::statement_at(TextPosition position, bool inside_value) const {
  const unsigned at = std::clamp(position.line, 1U, line_count());
  const auto text = line(at);
  const bool left_open = inside_value && is_statement(text) && position.column <= text.find_first_of("=]");
  unsigned first = at;
  if (left_open && first > 1) --first;
  const auto begin = without_indent(text).substr(0, 1);
  if (inside_value || begin.find_first_of("]}),") == 0)
    while (first > 1 && !is_statement(line(first))) --first;
  unsigned last = left_open ? std::max(at - 1, first) : at;
  const auto ends_at = is_header(line(first)) ? is_header : is_statement;
  while (last < line_count() && !ends_at(line(last + 1))) ++last;
  return {first, last};
}

std::string TomlText::key_at(unsigned number) const {
  number = std::clamp(number, 1U, line_count());
  const auto key = key_of(line(number));
  unsigned header = number;
  while (header > 0 && !is_header(line(header))) --header;
  std::string path;
  if (header > 0) {
    path = header_name(line(header));
    const bool array = without_indent(line(header)).starts_with("[[");
    const auto same = [&](const std::string& other) {
      return without_indent(other).starts_with("[[") && is_header(other) && header_name(other) == path;
    };
    if (array) path += '[' + std::to_string(std::count_if(lines_.begin(), lines_.begin() + header - 1, same)) + ']';
  }
  if (header == number || key.empty()) return path;
  return path.empty() ? std::string(key) : path + '.' + std::string(key);
}

std::string_view TomlText::plain_value_at(unsigned number) const {
  auto text = line(std::clamp(number, 1U, line_count()));
  if (key_of(text).empty()) return {};
  text = without_indent(text.substr(text.find('=') + 1));
  const auto end = std::min(text.find_first_of(" \t\r#"), text.size());
  const auto rest = without_indent(text.substr(end));
  if (!rest.empty() && !rest.starts_with('#') && rest != "\r") return {};
  text = text.substr(0, end);
  const auto plain = [](char c) { return std::string_view("./:*-_").find(c) != std::string_view::npos; };
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  const bool word = std::all_of(text.begin(), text.end(), [&](char c) { return plain(c) || letter(c) || digit(c); });
  return word && !std::all_of(text.begin(), text.end(), digit) ? text : std::string_view{};
}

bool TomlText::remove(Statement statement) {
  bool removed = false;
  for (unsigned number = statement.first; number <= statement.last; ++number) {
    removed = removed || !lines_[number - 1].empty();
    lines_[number - 1].clear();
  }
  return removed;
}

std::string TomlText::joined() const {
  std::string text;
  for (const auto& line : lines_) {
    if (&line != &lines_.front()) text += '\n';
    text += line;
  }
  return text;
}

}  // namespace ctgate

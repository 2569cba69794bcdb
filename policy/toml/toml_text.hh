// SPDX-License-Identifier: GPL-2.0-or-later
// The text of a TOML file as lines: what is needed before the TOML parser sees it (it must not crash on it) and after
// it has refused it (the rest of the file shall still be checked). Knows nothing of policies.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ctgate {

struct TextPosition {
  unsigned line = 0;    // from 1
  unsigned column = 0;  // from 1
};

// Where a line has more dots outside strings and comments than any sensible key. toml++ makes a nested table for each
// and destroys them recursively: 300,000 dots overflow the stack (seen with toml++ 3.3.0). It limits nested brackets
// by itself, to 256.
[[nodiscard]] std::optional<TextPosition> find_excessive_nesting(std::string_view text);

// A TOML document under repair. Lines are removed by emptying them, so that positions stay true.
class TomlText {
 public:
  explicit TomlText(std::string_view text);

  // Lines that belong together: first <= last, counted from 1.
  struct Statement {
    unsigned first = 0;
    unsigned last = 0;
  };

  // The statement that a parser's error at `position` is about: a key with its value (of several lines, perhaps), or
  // a header with everything up to the next header, since without its header that would land in another table.
  // `inside_value`: the parser was reading a value, not a key. If the line then begins like a statement, the culprit is
  // a bracket or quote that an earlier line left open.
  [[nodiscard]] Statement statement_at(TextPosition position, bool inside_value) const;

  // The key of the statement in `line` as Diagnostic::key has it ("rule[1].name"), or empty.
  [[nodiscard]] std::string key_at(unsigned line) const;

  // A value in `line` that is one plain word or number and a comment at most: `gate`, `1s`, `10.0.0.1`. Or empty.
  [[nodiscard]] std::string_view plain_value_at(unsigned line) const;

  // Empties these lines. False: they were empty already.
  bool remove(Statement statement);

  [[nodiscard]] std::string joined() const;

 private:
  [[nodiscard]] std::string_view line(unsigned number) const { return lines_[number - 1]; }
  [[nodiscard]] unsigned line_count() const { return static_cast<unsigned>(lines_.size()); }

  std::vector<std::string> lines_;  // without their '\n'; never empty
};

}  // namespace ctgate

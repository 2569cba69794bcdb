// SPDX-License-Identifier: GPL-2.0-or-later
// The errors of a policy file, with what a person needs to fix them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

namespace ctgate {

struct Diagnostic {
  std::string file;     // as given to parse_policy
  unsigned line = 0;    // from 1
  unsigned column = 0;  // from 1, in characters (UTF-8 code points), not bytes
  // Full path: "gate.max_hold", "rule[2].users[0]"; indexes count from 0. Empty: the text itself, as in a syntax error.
  std::string key;
  std::string expected;  // what is valid here: `one of "gate", "pass"`
  std::string found;     // what is there: `"gaet"`, `70000`, `a table`; may be empty
  std::string nearest;   // the valid word, network or value that was probably meant; may be empty
  std::string problem;   // says what is wrong where "expected X, found Y" does not: "unknown key"; else empty

  bool operator==(const Diagnostic&) const = default;

  // One line without a newline, e.g.
  //   policy.toml:12:3: gate.max_hodl: unknown key; did you mean "max_hold"?
  //   policy.toml:31:10: rule[2].action: expected one of "gate", "pass", found "gaet"; did you mean "gate"?
  // Control characters from the file are shown as \xNN, so that it is safe to print on a terminal.
  [[nodiscard]] std::string to_string() const;
};

// All lines, one per diagnostic, in the given order.
[[nodiscard]] std::string to_string(const std::vector<Diagnostic>& diagnostics);

// Why a single value is refused; the reader adds file, position and key and makes a Diagnostic of it.
struct ValueError {
  std::string expected;  // as in Diagnostic
  std::string nearest;   // as in Diagnostic; may be empty
};

[[nodiscard]] inline tl::unexpected<ValueError> value_error(std::string expected, std::string nearest = {}) {
  return tl::unexpected(ValueError{std::move(expected), std::move(nearest)});
}

// `text` in double quotes for a message: cut after 60 bytes, control characters and quotes escaped.
[[nodiscard]] std::string in_quotes(std::string_view text);

// Like `one of "a", "b"`, or `"a"` if there is only one.
[[nodiscard]] std::string one_of(const std::vector<std::string>& choices);

// How many typing errors lie between the two: insertions, deletions, substitutions and swaps of neighbours
// (Damerau-Levenshtein, optimal string alignment).
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

// The first of the closest `valid` words, if it is at most 2 edits away, or at most a third of the written length, and
// has at least one character in common with `written`. Otherwise empty. Case is ignored.
// Written words over 64 bytes have no neighbour: the cost is quadratic and the text may be hostile.
[[nodiscard]] std::string nearest_word(std::string_view written, const std::vector<std::string>& valid);

}  // namespace ctgate

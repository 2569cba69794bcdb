// SPDX-License-Identifier: GPL-2.0-or-later
// One error in a policy file, with what a person needs to mend it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ctgate {

struct Diagnostic {
  std::string file;     // as given to parse_policy
  unsigned line = 0;    // from 1
  unsigned column = 0;  // from 1, in characters (UTF-8 code points), not bytes
  std::string
      key;  // full path: "gate.max_hold", "rule[2].users[0]"; array indexes count from 0. Empty: the file itself
  std::string expected;  // what is valid here: `one of "gate", "pass"`
  std::string found;     // what stands there: `"gaet"`, `70000`, `a table`; may be empty
  std::string nearest;   // the valid word, network or value that was probably meant; may be empty
  std::string problem;   // says what is wrong where "expected X, found Y" does not: "unknown key"; else empty

  bool operator==(const Diagnostic&) const = default;

  // One line without a newline, e.g.
  //   policy.toml:12:3: gate.max_hodl: unknown key; did you mean "max_hold"?
  //   policy.toml:31:10: rule[2].action: expected one of "gate", "pass", found "gaet"; did you mean "gate"?
  // Control characters from the file are shown as \xNN, so that it is safe to print on a terminal.
  [[nodiscard]] std::string to_string() const;
};

// `text` in double quotes for a message: cut after 60 bytes, control characters and quotes escaped.
[[nodiscard]] std::string in_quotes(std::string_view text);

// Like `one of "a", "b"`, or `"a"` if there is only one.
[[nodiscard]] std::string one_of(const std::vector<std::string>& choices);

// All lines, one a diagnostic, in the given order.
[[nodiscard]] std::string to_string(const std::vector<Diagnostic>& diagnostics);

}  // namespace ctgate

// SPDX-License-Identifier: GPL-2.0-or-later
// Two programs' outcomes of the same calls side by side. Pure.
#pragma once

#include <string>
#include <vector>

#include "tests/resolver/call.hh"

namespace ctgate::test {

// What in `other` is not as in `libc`, one line each; empty: nothing. With `unordered` the nodes may come in another
// order. It is also a difference if the other takes a second longer and twice as long.
[[nodiscard]] std::vector<std::string> differences(const Outcome& libc, const Outcome& other, bool unordered = false);

struct Difference {
  std::string profile;
  Call call;
  Outcome libc, other;
  std::vector<std::string> what;  // of differences()

  [[nodiscard]] std::string describe() const;  // several lines
};

}  // namespace ctgate::test

// SPDX-License-Identifier: GPL-2.0-or-later
// "Did you mean": the valid word that is closest to what was written.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ctgate {

// Insertions, deletions, substitutions and swaps of neighbours (Damerau-Levenshtein, optimal string alignment).
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

// The first of the closest `valid` words, if it is at most 2 edits away, or at most a third of the written length, and
// has at least one character in common with `written`. Otherwise empty. Case is ignored.
// Written words over 64 bytes have no neighbour: the cost is quadratic and the text may be hostile.
[[nodiscard]] std::string nearest_word(std::string_view written, const std::vector<std::string>& valid);

}  // namespace ctgate

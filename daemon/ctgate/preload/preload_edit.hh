// SPDX-License-Identifier: GPL-2.0-or-later
// The text of /etc/ld.so.preload, read as glibc reads it (elf/rtld.c) and changed only in bytes that are ours. Pure.
//
// Names are separated by space, tab, newline or ':'. A comment goes from '#' to the end of its line, but glibc's loop
// that blanks comments out starts over at the beginning of the file with too short a rest, so that of several comments
// the later ones are often taken for names: the text "# one\n# two\n# three\n" makes ld.so load "#" and "three"
// (2.36). What ld.so loads is what counts here; that is also why we write no comments.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace ctgate::preload {

struct PreloadWord {
  std::size_t offset = 0;
  std::string text;

  bool operator==(const PreloadWord&) const = default;
};

// The names that ld.so loads, in order. It stops at a NUL byte.
[[nodiscard]] std::vector<PreloadWord> preload_words(std::string_view text);

using IsOurs = std::function<bool(std::string_view word)>;

// `text` with `entry` exactly once among our words: in the place of the first of them, or else on a line of its own at
// the end. The same text if that is already so.
[[nodiscard]] std::string with_entry(std::string_view text, std::string_view entry, const IsOurs& is_ours);

// `text` without our words: a line that holds nothing else is removed, in others a separator goes with the word.
[[nodiscard]] std::string without_entries(std::string_view text, const IsOurs& is_ours);

}  // namespace ctgate::preload

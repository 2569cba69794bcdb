// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/ctgate/preload/preload_edit.hh"

#include <algorithm>
#include <cstddef>

namespace ctgate::preload {
namespace {

constexpr std::string_view separators = " \t\n:";
constexpr std::string_view in_line = " \t:";

// The first loop of do_preload's caller in elf/rtld.c, line by line: `runp` is never advanced there.
std::string without_comments(std::string_view text) {
  std::string file(text);
  std::size_t rest = file.size();
  while (rest > 0) {
    std::size_t comment = std::string_view(file).substr(0, rest).find('#');
    if (comment == std::string_view::npos) break;
    rest -= comment;
    do {
      file[comment] = ' ';
    } while (--rest > 0 && file[++comment] != '\n');
  }
  return file;
}

std::vector<PreloadWord> our_words(std::string_view text, const IsOurs& is_ours) {
  auto words = preload_words(text);
  std::erase_if(words, [&](const PreloadWord& word) { return !is_ours(word.text); });
  return words;
}

// Takes `size` bytes at `offset`, a word, out of the text.
void erase_word(std::string& text, std::size_t offset, std::size_t size) {
  const std::size_t line = offset == 0 ? 0 : text.rfind('\n', offset - 1) + 1;  // npos + 1 is 0
  const std::size_t line_end = std::min(text.find('\n', offset), text.size());
  std::size_t begin = offset, end = offset + size;
  while (begin > line && in_line.find(text[begin - 1]) != std::string_view::npos) --begin;
  while (end < line_end && in_line.find(text[end]) != std::string_view::npos) ++end;
  if (begin == line && end == line_end) {
    text.erase(line, std::min(line_end + 1, text.size()) - line);
  } else if (end == line_end) {
    text.erase(begin, offset + size - begin);
  } else {
    text.erase(offset, end - offset);
  }
}

}  // namespace

std::vector<PreloadWord> preload_words(std::string_view text) {
  const std::string file = without_comments(text.substr(0, text.find('\0')));
  std::vector<PreloadWord> words;
  for (std::size_t at = 0; (at = file.find_first_not_of(separators, at)) != std::string::npos;) {
    const std::size_t end = std::min(file.find_first_of(separators, at), file.size());
    words.push_back({at, file.substr(at, end - at)});
    at = end;
  }
  return words;
}

std::string with_entry(std::string_view text, std::string_view entry, const IsOurs& is_ours) {
  std::string result(text);
  const auto ours = our_words(text, is_ours);
  if (ours.empty()) {
    if (!result.empty() && result.back() != '\n') result += '\n';
    return result.append(entry).append("\n");
  }
  for (std::size_t i = ours.size(); --i > 0;) erase_word(result, ours[i].offset, ours[i].text.size());
  return result.replace(ours[0].offset, ours[0].text.size(), entry);
}

std::string without_entries(std::string_view text, const IsOurs& is_ours) {
  std::string result(text);
  // Taking bytes out can make a comment a name (see the header), and an entry of ours with it.
  for (auto ours = our_words(result, is_ours); !ours.empty(); ours = our_words(result, is_ours)) {
    erase_word(result, ours.back().offset, ours.back().text.size());
  }
  return result;
}

}  // namespace ctgate::preload

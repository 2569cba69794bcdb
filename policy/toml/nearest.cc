// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/toml/nearest.hh"

#include <algorithm>

namespace ctgate {

namespace {

constexpr std::size_t longest_word = 64;

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

}  // namespace

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

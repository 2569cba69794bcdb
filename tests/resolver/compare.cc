// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/resolver/compare.hh"

#include <netdb.h>

#include <algorithm>

namespace ctgate::test {
namespace {

using std::chrono::microseconds;

constexpr std::size_t shown = 6;  // nodes a list

std::string code_text(const Outcome& outcome) {
  if (outcome.code == 0) return "0";
  return std::to_string(outcome.code) + " (" + gai_strerror(outcome.code) +
         (outcome.code == EAI_SYSTEM ? ", errno " + std::to_string(outcome.system_error) : "") + ")";
}

std::string list_text(const std::vector<Found>& found) {
  std::string text;
  for (std::size_t i = 0; i < std::min(found.size(), shown); ++i) text += "\n      " + found[i].describe();
  if (found.size() > shown) text += "\n      and " + std::to_string(found.size() - shown) + " more";
  return found.empty() ? " nothing" : text;
}

std::vector<std::string> sorted_texts(const std::vector<Found>& found) {
  std::vector<std::string> texts;
  for (const auto& one : found) {
    texts.push_back(one.describe());
    // The canonical name hangs on the first one, whichever that is.
    if (const auto name = texts.back().find(" canonname "); name != std::string::npos) texts.back().resize(name);
  }
  std::ranges::sort(texts);
  return texts;
}

std::string canonical_name(const Outcome& outcome) {
  return outcome.found.empty() ? "" : outcome.found[0].canonical_name.value_or("(none)");
}

bool is_late(const Outcome& libc, const Outcome& other) {
  return other.time > libc.time + std::chrono::seconds(1) && other.time > 2 * libc.time;
}

}  // namespace

std::vector<std::string> differences(const Outcome& libc, const Outcome& other, bool unordered) {
  std::vector<std::string> what;
  if (libc.code != other.code || libc.system_error != other.system_error) {
    what.push_back("code " + code_text(other) + ", libc's is " + code_text(libc));
  } else if (sorted_texts(libc.found) != sorted_texts(other.found)) {
    what.emplace_back("other addresses");
  } else if (canonical_name(libc) != canonical_name(other)) {
    what.push_back("canonname " + canonical_name(other) + ", libc's is " + canonical_name(libc));
  } else if (!unordered && libc.found != other.found) {
    what.emplace_back("another order");
  }
  if (is_late(libc, other)) {
    what.push_back("took " + std::to_string(other.time.count()) + " us, libc " + std::to_string(libc.time.count()));
  }
  return what;
}

std::string Difference::describe() const {
  std::string text = profile + ": " + call.describe();
  for (const auto& one : what) text += "\n    " + one;
  if (libc.found != other.found) text += "\n    libc:" + list_text(libc.found) + "\n    ours:" + list_text(other.found);
  return text;
}

}  // namespace ctgate::test

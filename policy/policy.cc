// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/policy.hh"

#include <algorithm>

#include "policy/words.hh"

namespace ctgate {

namespace {

template <typename Value>
std::string_view word_of(Value value) {
  for (const auto& word : words<Value>)
    if (word.value == value) return word.text;
  return "?";  // a value outside its enumeration
}

}  // namespace

std::string_view to_string(Action value) {
  return word_of(value);
}
std::string_view to_string(Direction value) {
  return word_of(value);
}
std::string_view to_string(Release value) {
  return word_of(value);
}
std::string_view to_string(BackendSetting value) {
  return word_of(value);
}
std::string_view to_string(WaitFor value) {
  return word_of(value);
}
std::string_view to_string(Resolver value) {
  return word_of(value);
}
std::string_view to_string(LibcOption value) {
  return word_of(value);
}

bool Policy::waits_for_replies() const {
  const auto waits = [](Action action, Release release) {
    return action == Action::gate && release == Release::replied;
  };
  return waits(default_action, default_release) ||
         std::any_of(rules.begin(), rules.end(), [&](const Rule& rule) { return waits(rule.action, rule.release); });
}

}  // namespace ctgate

// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/toml/reader.hh"

#include <algorithm>
#include <tuple>

#include "policy/toml/values.hh"

namespace ctgate {

void Problems::add(toml::source_position position, Diagnostic diagnostic) {
  diagnostic.file = file_;
  diagnostic.line = position.line;
  diagnostic.column = position.column;
  list_.push_back(std::move(diagnostic));
}

std::vector<Diagnostic> Problems::sorted() const {
  auto list = list_;
  std::stable_sort(list.begin(), list.end(), [](const Diagnostic& a, const Diagnostic& b) {
    return std::tie(a.line, a.column) < std::tie(b.line, b.column);
  });
  return list;
}

std::string describe(const toml::node& node) {
  if (const auto* text = node.as_string()) return in_quotes(text->get());
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  if (const auto* number = node.as_floating_point()) return fmt::format("{}", number->get());
  if (const auto* truth = node.as_boolean()) return truth->get() ? "true" : "false";
  if (node.is_table()) return "a table";
  if (node.is_array()) return "an array";
  return "a date or time";
}

const toml::node* TableReader::get(std::string_view key) {
  if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.emplace_back(key);
  return table_.get(key);
}

std::string TableReader::full_key(std::string_view key) const {
  return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

void TableReader::refuse(const toml::node& node, std::string key, const ValueError& why) {
  Diagnostic diagnostic;
  diagnostic.key = std::move(key);
  diagnostic.expected = why.expected;
  diagnostic.found = describe(node);
  diagnostic.nearest = why.nearest;
  problems_.add(node.source().begin, std::move(diagnostic));
}

void TableReader::complain(const toml::node& node, std::string_view key, std::string problem, std::string expected,
                           std::string nearest) {
  Diagnostic diagnostic;
  diagnostic.key = full_key(key);
  diagnostic.expected = std::move(expected);
  diagnostic.nearest = std::move(nearest);
  diagnostic.problem = std::move(problem);
  problems_.add(node.source().begin, std::move(diagnostic));
}

std::optional<std::size_t> TableReader::choice(std::string_view key, const std::vector<std::string>& valid) {
  const toml::node* node = get(key);
  if (node == nullptr) return std::nullopt;
  const auto* text = node->as_string();
  const auto found = text == nullptr ? valid.end() : std::find(valid.begin(), valid.end(), text->get());
  if (found != valid.end()) return static_cast<std::size_t>(found - valid.begin());
  refuse(*node, full_key(key), ValueError{one_of(valid), text == nullptr ? "" : nearest_word(text->get(), valid)});
  return std::nullopt;
}

std::optional<std::int64_t> TableReader::integer_value(std::string_view key, std::int64_t least, std::int64_t most) {
  const toml::node* node = get(key);
  if (node == nullptr) return std::nullopt;
  const auto* number = node->as_integer();
  if (number != nullptr && number->get() >= least && number->get() <= most) return number->get();
  const auto valid = least == most ? std::to_string(least) : fmt::format("an integer from {} to {}", least, most);
  refuse(*node, full_key(key), ValueError{valid, {}});
  return std::nullopt;
}

// `Parse` reads a value from a string, `bounds` says what it may be, `example` how it looks.
template <auto Parse, typename Value>
void TableReader::measure(std::string_view key, Value least, Value most, const std::string& bounds,
                          std::string_view example, Value& field) {
  const toml::node* node = get(key);
  if (node == nullptr) return;
  const auto* text = node->as_string();
  if (text == nullptr) {
    refuse(*node, full_key(key), ValueError{fmt::format("{} as a string {}", bounds, example), {}});
    return;
  }
  const auto value = Parse(text->get());
  if (!value)
    refuse(*node, full_key(key), value.error());
  else if (*value < least || *value > most)
    refuse(*node, full_key(key), ValueError{bounds, {}});
  else
    field = *value;
}

void TableReader::duration(std::string_view key, Milliseconds least, Milliseconds most, Milliseconds& field) {
  measure<parse_duration>(key, least, most,
                          fmt::format("a duration from {} to {}", format_duration(least), format_duration(most)),
                          R"(with a unit, such as "250ms" or "1s")", field);
}

void TableReader::rate(std::string_view key, std::uint32_t least, std::uint32_t most, std::uint32_t& field) {
  measure<parse_rate>(key, least, most, fmt::format("a rate from {} to {}", format_rate(least), format_rate(most)),
                      R"(such as "1000/s")", field);
}

const toml::array* TableReader::array_value(std::string_view key, std::string_view elements) {
  const toml::node* node = get(key);
  if (node == nullptr || node->is_array()) return node == nullptr ? nullptr : node->as_array();
  refuse(*node, full_key(key), ValueError{fmt::format("an array of {}", elements), {}});
  return nullptr;
}

const toml::table* TableReader::section(std::string_view key) {
  const toml::node* node = get(key);
  if (node == nullptr || node->is_table()) return node == nullptr ? nullptr : node->as_table();
  refuse(*node, full_key(key), ValueError{fmt::format("a table, written [{}] on a separate line", full_key(key)), {}});
  return nullptr;
}

void TableReader::finish() {
  for (const auto& [key, node] : table_) {
    if (std::find(known_.begin(), known_.end(), key.str()) != known_.end()) continue;
    Diagnostic diagnostic;
    diagnostic.key = full_key(key.str());
    diagnostic.problem = "unknown key";
    diagnostic.expected = one_of(known_);
    diagnostic.nearest = nearest_word(key.str(), known_);
    problems_.add(key.source().begin, std::move(diagnostic));
  }
}

}  // namespace ctgate

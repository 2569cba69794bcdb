// SPDX-License-Identifier: GPL-2.0-or-later
// Reads the keys of one TOML table into typed fields and collects every error along the way. Private to the
// parser, as is syntax.hh, the other header that needs toml++.
#pragma once

#include <fmt/format.h>

#include <toml++/toml.h>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "policy/policy.hh"
#include "policy/toml/diagnostic.hh"
#include "policy/words.hh"

namespace ctgate {

// The errors of one file.
class Problems {
 public:
  explicit Problems(std::string_view file) : file_(file) {}

  // Adds `diagnostic` with the file and the position filled in.
  void add(toml::source_position position, Diagnostic diagnostic);

  // In the order of the file.
  [[nodiscard]] std::vector<Diagnostic> sorted() const;

 private:
  std::string file_;
  std::vector<Diagnostic> list_;
};

// How a message names a value: `"text"`, `17`, `a table`.
[[nodiscard]] std::string describe(const toml::node& node);

// A field is changed only if its key is there and valid. Asking for a key makes it known; `finish` reports the others.
class TableReader {
 public:
  // `path` is the table's own key, "" for the document. Keeps references to all but `path`.
  TableReader(const toml::table& table, std::string path, Problems& problems)
      : table_(table), path_(std::move(path)), problems_(problems) {}

  // nullptr: not there. Makes the key known.
  const toml::node* get(std::string_view key);

  template <typename Value>
  void word(std::string_view key, Value& field) {
    std::vector<std::string> valid;
    valid.reserve(words<Value>.size());
    for (const auto& word : words<Value>) valid.emplace_back(word.text);
    if (const auto index = choice(key, valid)) field = words<Value>[*index].value;
  }

  // False: the key is there, but wrong.
  template <std::integral Integer>
  bool integer(std::string_view key, std::int64_t least, std::int64_t most, Integer& field) {
    const auto number = integer_value(key, least, most);
    if (number) field = static_cast<Integer>(*number);
    return number || table_.get(key) == nullptr;
  }

  void duration(std::string_view key, Milliseconds least, Milliseconds most, Milliseconds& field);

  void rate(std::string_view key, std::uint32_t least, std::uint32_t most, std::uint32_t& field);

  // An array whose elements `parse` turns into values: Value or ValueError from const toml::node&.
  template <typename Value, typename Parse>
  void list(std::string_view key, std::string_view elements, Parse parse, std::vector<Value>& field) {
    const auto* array = array_value(key, elements);
    if (array == nullptr) return;
    std::vector<Value> values;
    for (std::size_t i = 0; i < array->size(); ++i) {
      const toml::node& node = (*array)[i];
      if (tl::expected<Value, ValueError> value = parse(node))
        values.push_back(std::move(*value));
      else
        refuse(node, fmt::format("{}[{}]", full_key(key), i), value.error());
    }
    field = std::move(values);
  }

  // A table below this one; nullptr: not there, or reported as not being a table.
  const toml::table* section(std::string_view key);

  // Reports a value that is wrong by itself; `key` is the full one.
  void refuse(const toml::node& node, std::string key, const ValueError& why);

  // Reports what "expected, found" does not describe, at the position of `node`.
  void complain(const toml::node& node, std::string_view key, std::string problem, std::string expected,
                std::string nearest = {});

  [[nodiscard]] std::string full_key(std::string_view key) const;

  // Reports all keys that nobody asked for.
  void finish();

 private:
  template <auto Parse, typename Value>
  void measure(std::string_view key, Value least, Value most, const std::string& bounds, std::string_view example,
               Value& field);
  std::optional<std::size_t> choice(std::string_view key, const std::vector<std::string>& valid);
  std::optional<std::int64_t> integer_value(std::string_view key, std::int64_t least, std::int64_t most);
  const toml::array* array_value(std::string_view key, std::string_view elements);

  const toml::table& table_;
  std::string path_;
  Problems& problems_;
  std::vector<std::string> known_;
};

}  // namespace ctgate

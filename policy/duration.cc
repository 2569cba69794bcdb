// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/duration.hh"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

namespace ctgate {

namespace {

struct Unit {
  std::string_view name;
  std::int64_t microseconds;
};

// The order decides between equally near units: "min" is nearer in meaning to "m" than to "ms".
constexpr std::array units = {Unit{"s", 1'000'000}, Unit{"m", 60'000'000}, Unit{"ms", 1'000}, Unit{"us", 1}};

constexpr std::size_t most_digits = 9;  // 10^9 minutes are 6 * 10^16 us: fits 64 bits
constexpr std::size_t most_decimals = 6;
constexpr auto shape = R"(a duration such as "250ms", "1s" or "1.5s" (units us, ms, s, m))";

std::size_t count_digits(std::string_view text) {
  const auto end = std::find_if(text.begin(), text.end(), [](char c) { return c < '0' || c > '9'; });
  return static_cast<std::size_t>(end - text.begin());
}

std::int64_t to_number(std::string_view digits) {
  std::int64_t number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

std::string nearest_unit(std::string_view written) {
  std::vector<std::string> names;
  names.reserve(units.size());
  for (const auto& unit : units) names.emplace_back(unit.name);
  return nearest_word(written, names);
}

}  // namespace

tl::expected<Milliseconds, ValueError> parse_duration(std::string_view text) {
  const auto whole = text.substr(0, count_digits(text));
  auto rest = text.substr(whole.size());
  std::string_view decimals;
  if (rest.starts_with('.')) {
    decimals = rest.substr(1, count_digits(rest.substr(1)));
    rest.remove_prefix(1 + decimals.size());
    if (decimals.empty()) return value_error(shape);
  }
  if (whole.empty() || whole.size() > most_digits || decimals.size() > most_decimals) return value_error(shape);
  const auto unit = std::find_if(units.begin(), units.end(), [&](const Unit& u) { return u.name == rest; });
  if (unit == units.end()) {
    const std::string nearest = nearest_unit(rest);
    if (nearest.empty()) return value_error(shape);
    return value_error(shape, std::string(text.substr(0, text.size() - rest.size())) + nearest);
  }
  // Decimals count in millionths of the unit; together with the whole part they would not fit 64 bits.
  std::string millionths(decimals);
  millionths.resize(most_decimals, '0');
  const std::int64_t fraction = to_number(millionths) * unit->microseconds;
  if (fraction % 1'000'000 != 0) return value_error("a duration in whole milliseconds");
  const std::int64_t microseconds = to_number(whole) * unit->microseconds + fraction / 1'000'000;
  if (microseconds % 1'000 != 0) return value_error("a duration in whole milliseconds");
  return Milliseconds(microseconds / 1'000);
}

std::string format_duration(Milliseconds duration) {
  const auto count = duration.count();
  if (count != 0 && count % 60'000 == 0) return std::to_string(count / 60'000) + "m";
  if (count != 0 && count % 1'000 == 0) return std::to_string(count / 1'000) + "s";
  return std::to_string(count) + "ms";
}

}  // namespace ctgate

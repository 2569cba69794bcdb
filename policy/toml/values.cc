// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/toml/values.hh"

#include <fmt/format.h>
#include <net/if.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <memory>
#include <optional>
#include <system_error>
#include <vector>

namespace ctgate {

// --- durations -------------------------------------------------------------------------------------------------------

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

tl::expected<std::uint32_t, ValueError> parse_rate(std::string_view text) {
  const auto number = text.substr(0, count_digits(text));
  if (number.empty() || number.size() > most_digits) return value_error(R"(a rate such as "1000/s")");
  const auto value = static_cast<std::uint32_t>(to_number(number));
  if (text.substr(number.size()) != "/s") return value_error(R"(a rate such as "1000/s")", format_rate(value));
  return value;
}

std::string format_rate(std::uint32_t per_second) {
  return std::to_string(per_second) + "/s";
}

// --- ports -----------------------------------------------------------------------------------------------------------

namespace {

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(' ');
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

// "5300 - 5399", "5300:5399" (iptables) and "5399-5300" have an obvious meaning; so has " 53".
std::string nearest_port_range(std::string_view text) {
  const auto separator = text.find_first_of("-:");
  const auto first = parse_port(trimmed(text.substr(0, separator)));
  const auto last = separator == text.npos ? first : parse_port(trimmed(text.substr(separator + 1)));
  if (!first || !last) return {};
  if (separator == text.npos) return std::to_string(*first);
  return fmt::format("{}-{}", std::min(*first, *last), std::max(*first, *last));
}

}  // namespace

tl::expected<PortRange, ValueError> parse_port_range(std::string_view text) {
  const auto dash = text.find('-');
  const auto first = parse_port(text.substr(0, dash));
  const auto last = dash == text.npos ? first : parse_port(text.substr(dash + 1));
  if (first && last && *first <= *last) return PortRange{*first, *last};
  return value_error("a port from 1 to 65535 or a range such as \"5300-5399\", the lower port first",
                     nearest_port_range(text));
}

std::string format_port_range(const PortRange& range) {
  return range.first == range.last ? std::to_string(range.first) : fmt::format("{}-{}", range.first, range.last);
}

// --- prefixes and interfaces -----------------------------------------------------------------------------------------

tl::expected<Cidr, ValueError> parse_cidr(std::string_view text) {
  const auto written = CidrText::parse(text);
  if (!written) return value_error(R"(an address or a prefix such as "10.0.0.0/8" or "2001:db8::/32")");
  const Cidr network = written->network();
  if (network.network == written->address) return network;
  return value_error(fmt::format("a prefix with no bits set after the first {}", written->length), network.to_string());
}

namespace {

constexpr std::size_t longest_interface = IFNAMSIZ - 1;

bool is_interface_character(char c) {
  const auto byte = static_cast<unsigned char>(c);
  // Space and '/' and ':' are refused by the kernel, the rest would be syntax in nft or iptables-restore.
  return byte > 0x20 && byte < 0x7f && std::string_view("/:\"'\\`*?[]").find(c) == std::string_view::npos;
}

}  // namespace

tl::expected<std::string, ValueError> parse_interface(std::string_view text) {
  if (text == "*" || text == "+")
    return value_error("an interface name (for every interface leave the list empty or out)");
  // The wildcard of iptables: in its rules a name that ends so would be a prefix, in nft's it would not.
  if (text.ends_with('+'))
    return value_error("an interface name, or a prefix that ends with '*'",
                       std::string(text.substr(0, text.size() - 1)) + '*');
  const auto name = text.ends_with('*') ? text.substr(0, text.size() - 1) : text;
  if (name.find_first_of("*?[]") != name.npos)
    return value_error("'*' only as the last character, and no other wildcard: nft and iptables know only prefixes");
  const bool valid = !text.empty() && text.size() <= longest_interface && text != "." && text != ".." &&
                     std::all_of(name.begin(), name.end(), is_interface_character);
  if (valid) return std::string(text);
  return value_error(
      fmt::format("an interface name of 1 to {} printable ASCII characters without space, quotes, '/', ':' or '\\'",
                  longest_interface));
}

// --- users, names, paths ---------------------------------------------------------------------------------------------

namespace {

constexpr std::size_t longest_user_name = 256;  // LOGIN_NAME_MAX

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

struct CloseFile {
  void operator()(std::FILE* file) const { static_cast<void>(std::fclose(file)); }
};

std::string nearest_user(std::string_view name) {
  const std::unique_ptr<std::FILE, CloseFile> file(std::fopen("/etc/passwd", "re"));
  std::vector<std::string> names;
  std::vector<char> buffer(16384);
  passwd entry{};
  passwd* found = nullptr;
  while (file && fgetpwent_r(file.get(), &entry, buffer.data(), buffer.size(), &found) == 0)
    names.emplace_back(entry.pw_name);
  return nearest_word(name, names);
}

}  // namespace

tl::expected<std::uint32_t, ValueError> parse_user_name(std::string_view name) {
  if (name.empty() || name.size() > longest_user_name || std::any_of(name.begin(), name.end(), is_control))
    return value_error("the name or the number of a user");
  const std::string terminated(name);
  std::vector<char> buffer(1024);
  passwd entry{};
  passwd* found = nullptr;
  int error = 0;
  while ((error = getpwnam_r(terminated.c_str(), &entry, buffer.data(), buffer.size(), &found)) == ERANGE &&
         buffer.size() < (1U << 20U))
    buffer.resize(buffer.size() * 2);
  if (found != nullptr) return entry.pw_uid;
  // getpwnam(3) lists what "no such user" looks like: 0 or one of these.
  if (error != 0 && error != ENOENT && error != ESRCH && error != EBADF && error != EPERM)
    return value_error(
        fmt::format("a user that the user database can be asked for (it answered: {}); a number works without it",
                    std::generic_category().message(error)));
  return value_error("the name of a user that exists, or a number", nearest_user(name));
}

tl::expected<std::string, ValueError> parse_rule_name(std::string_view text) {
  constexpr std::size_t longest = 64;
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           c == '-';
  };
  if (!text.empty() && text.size() <= longest && std::all_of(text.begin(), text.end(), allowed))
    return std::string(text);
  std::string nearest(text.substr(0, longest));
  std::replace_if(
      nearest.begin(), nearest.end(), [&](char c) { return !allowed(c); }, '-');
  return value_error("1 to 64 of the characters A-Z a-z 0-9 _ . -", nearest);
}

tl::expected<std::string, ValueError> parse_program(std::string_view text) {
  if (text.starts_with('/') && std::none_of(text.begin(), text.end(), is_control)) return std::string(text);
  return value_error("the absolute path of a program");
}

// --- packet marks ----------------------------------------------------------------------------------------------------

namespace {

std::optional<std::uint32_t> parse_mark_number(std::string_view text) {
  const bool hexadecimal = text.starts_with("0x") || text.starts_with("0X");
  if (hexadecimal) text.remove_prefix(2);
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, hexadecimal ? 16 : 10);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

tl::expected<MarkMatch, ValueError> parse_mark(std::string_view text) {
  const auto slash = text.find('/');
  const auto value = parse_mark_number(text.substr(0, slash));
  const auto mask = slash == text.npos ? std::optional(MarkMatch{}.mask) : parse_mark_number(text.substr(slash + 1));
  if (!value || !mask) return value_error(R"(a packet mark such as "0x40" or "0x40/0xff")");
  if ((*value & ~*mask) != 0) {
    return value_error("no bit of the value outside the mask", format_mark({*value & *mask, *mask}));
  }
  return MarkMatch{*value, *mask};
}

std::string format_mark(const MarkMatch& mark) {
  const auto value = fmt::format("{:#x}", mark.value);
  return mark.mask == MarkMatch{}.mask ? value : fmt::format("{}/{:#x}", value, mark.mask);
}

}  // namespace ctgate

// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/toml/values.hh"

#include <fmt/format.h>
#include <net/if.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <memory>
#include <optional>
#include <system_error>
#include <vector>

namespace ctgate {

namespace {

constexpr std::size_t longest_interface = IFNAMSIZ - 1;
constexpr std::size_t longest_rule_name = 64;
constexpr std::size_t longest_user_name = 256;  // LOGIN_NAME_MAX

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

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

bool is_interface_character(char c) {
  const auto byte = static_cast<unsigned char>(c);
  // Space and '/' and ':' are refused by the kernel, the rest would be syntax in nft or iptables-restore.
  return byte > 0x20 && byte < 0x7f && std::string_view("/:\"'\\`*?[]").find(c) == std::string_view::npos;
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

tl::expected<PortRange, ValueError> parse_port_range(std::string_view text) {
  const auto dash = text.find('-');
  const auto first = parse_port(text.substr(0, dash));
  const auto last = dash == text.npos ? first : parse_port(text.substr(dash + 1));
  if (first && last && *first <= *last) return PortRange{*first, *last};
  return value_error("a port from 1 to 65535 or a range such as \"5300-5399\", the lower port first",
                     nearest_port_range(text));
}

tl::expected<Cidr, ValueError> parse_cidr(std::string_view text) {
  const auto written = CidrText::parse(text);
  if (!written) return value_error(R"(an address or a prefix such as "10.0.0.0/8" or "2001:db8::/32")");
  const Cidr network = written->network();
  if (network.network == written->address) return network;
  return value_error(fmt::format("a prefix with no bits set after the first {}", written->length), network.to_string());
}

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
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           c == '-';
  };
  if (!text.empty() && text.size() <= longest_rule_name && std::all_of(text.begin(), text.end(), allowed))
    return std::string(text);
  std::string nearest(text.substr(0, longest_rule_name));
  std::replace_if(
      nearest.begin(), nearest.end(), [&](char c) { return !allowed(c); }, '-');
  return value_error("1 to 64 of the characters A-Z a-z 0-9 _ . -", nearest);
}

tl::expected<std::string, ValueError> parse_program(std::string_view text) {
  if (text.starts_with('/') && std::none_of(text.begin(), text.end(), is_control)) return std::string(text);
  return value_error("the absolute path of a program");
}

}  // namespace ctgate

// SPDX-License-Identifier: GPL-2.0-or-later
// The values that the policy file writes as text: durations, ports, prefixes, interfaces, users, names, paths. Each
// `parse` gives the value, or what would have been right.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "policy/policy.hh"
#include "policy/toml/diagnostic.hh"

namespace ctgate {

// A number, at most 6 decimals, and a unit (us, ms, s, m) with nothing between them. The result is in whole
// milliseconds: "500us" is refused, "1000us" is 1 ms.
[[nodiscard]] tl::expected<Milliseconds, ValueError> parse_duration(std::string_view text);

// The shortest of "2m", "90s", "1500ms" that is exact. Precondition: not negative.
[[nodiscard]] std::string format_duration(Milliseconds duration);

// A whole number of at most 9 digits and "/s": 1000 for "1000/s".
[[nodiscard]] tl::expected<std::uint32_t, ValueError> parse_rate(std::string_view text);

// "1000/s".
[[nodiscard]] std::string format_rate(std::uint32_t per_second);

// "53" or "5300-5399"; 1 to 65535, first <= last.
[[nodiscard]] tl::expected<PortRange, ValueError> parse_port_range(std::string_view text);

// "53" or "5300-5399".
[[nodiscard]] std::string format_port_range(const PortRange& range);

// As Cidr::parse; the error for host bits that are set names the right network.
[[nodiscard]] tl::expected<Cidr, ValueError> parse_cidr(std::string_view text);

// 1 to 15 bytes as dev_valid_name (net/core/dev.c) has them, and without what nft or iptables would read as syntax.
// '*' only at the end, after at least one character: neither nft nor iptables has any other wildcard.
[[nodiscard]] tl::expected<std::string, ValueError> parse_interface(std::string_view text);

// The id of the user called `name`, through getpwnam_r(3) and so through every source of nsswitch.conf.
// The nearest word is looked for in /etc/passwd only: other sources may be slow or endless.
[[nodiscard]] tl::expected<std::uint32_t, ValueError> parse_user_name(std::string_view name);

inline constexpr std::uint32_t last_user = 0xfffffffe;  // (uid_t)-1 means "no user" in system calls

// "VALUE" or "VALUE/MASK", decimal or hexadecimal with 0x; 32 bits each, no bit of the value outside the mask.
[[nodiscard]] tl::expected<MarkMatch, ValueError> parse_mark(std::string_view text);

// "0x40/0xff", or "0x40" where the mask has all bits.
[[nodiscard]] std::string format_mark(const MarkMatch& mark);

// [A-Za-z0-9_.-]{1,64}: goes into nft comments, metrics labels and the terminal as it is.
[[nodiscard]] tl::expected<std::string, ValueError> parse_rule_name(std::string_view text);

// An absolute path without control characters.
[[nodiscard]] tl::expected<std::string, ValueError> parse_program(std::string_view text);

}  // namespace ctgate

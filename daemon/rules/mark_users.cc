// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/rules/mark_users.hh"

#include <fmt/format.h>

#include <cstdlib>
#include <sstream>

#include "daemon/rules/render_nftables.hh"
#include "policy/base/run_program.hh"

namespace ctgate::rules {
namespace {

std::string refusal(int bit, std::string_view user) {
  return fmt::format(
      "daemon.mark_bit = {}: bit {:#x} of the packet mark is used by {}; choose another bit or remove the key", bit,
      1U << static_cast<unsigned>(bit), user);
}

// A line of `ip rule list`, e.g. "100:	from all fwmark 0x1/0xff lookup 100". Without a mask all bits are tested.
bool tests_bit(const std::string& line, std::uint32_t mask) {
  const auto position = line.find("fwmark ");
  if (position == std::string::npos) return false;
  const char* text = line.c_str() + position + 7;
  char* end = nullptr;
  std::strtoul(text, &end, 0);
  const std::uint32_t tested = *end == '/' ? static_cast<std::uint32_t>(std::strtoul(end + 1, nullptr, 0)) : ~0U;
  return (tested & mask) != 0;
}

Expected<void> check_routing_rules(int bit) {
  for (const char* family : {"-4", "-6"}) {
    const auto listed = run_program({"ip", family, "rule", "list"});
    if (!listed) return tl::unexpected(listed.error());
    std::istringstream lines(listed->output);
    for (std::string line; std::getline(lines, line);) {
      if (tests_bit(line, 1U << static_cast<unsigned>(bit))) {
        return usage_error(refusal(bit, "the routing rule \"" + line + "\""));
      }
    }
  }
  return {};
}

// Which bits a rule tests can be hidden in maps and masks, so any use of the mark in another table counts. Rules of
// iptables-nft are listed as "xt match mark" or translated to "meta mark".
Expected<void> check_tables(int bit, Nft& nft) {
  const auto listed = nft.run("list ruleset\n");
  if (!listed) return tl::unexpected(listed.error());
  std::istringstream lines(*listed);
  std::string table;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("table ")) table = line.substr(0, line.find(" {"));
    if (table.ends_with(fmt::format(" {}", table_name))) continue;
    const bool xt = line.find("xt match") != std::string::npos && line.find("mark") != std::string::npos;
    if (xt || line.find("meta mark") != std::string::npos) {
      return usage_error(refusal(bit, table));
    }
  }
  return {};
}

}  // namespace

Expected<void> check_mark_bit_is_free(int bit, Nft& nft) {
  if (bit < 0) return {};
  if (auto free = check_routing_rules(bit); !free) return free;
  return check_tables(bit, nft);
}

}  // namespace ctgate::rules

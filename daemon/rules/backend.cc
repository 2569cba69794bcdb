// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/rules/backend.hh"

#include <array>
#include <utility>

namespace ctgate::rules {
namespace {

constexpr std::array<std::pair<Backend, std::string_view>, 3> names{
    {{Backend::nftables, "nftables"}, {Backend::nftables_xt, "nftables-xt"}, {Backend::iptables, "iptables"}}};

}  // namespace

std::string_view to_string(Backend backend) {
  for (const auto& [value, name] : names) {
    if (value == backend) return name;
  }
  return "";
}

std::optional<Backend> backend_from_string(std::string_view text) {
  for (const auto& [value, name] : names) {
    if (name == text) return value;
  }
  return std::nullopt;
}

}  // namespace ctgate::rules

// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/lab/third_party.hh"

#include <fmt/format.h>

#include <string>

#include "daemon/lab/topology.hh"
#include "daemon/rules/nft.hh"
#include "daemon/rules/xt_queue.hh"

namespace ctgate::lab {
namespace {

constexpr const char* table_name = "third_party";
constexpr const char* queue_chain = "to_queue";

const char* hook_name(ThirdPartyRule::Hook hook) {
  switch (hook) {
    case ThirdPartyRule::Hook::forward:
      return "forward";
    case ThirdPartyRule::Hook::output:
      return "output";
    case ThirdPartyRule::Hook::postrouting:
      return "postrouting";
  }
  return "forward";
}

std::string table_text(Family family, const ThirdPartyRule& rule, const std::string& queue_statement) {
  return fmt::format(
      "table {} {} {{\n"
      "  chain {} {{ {} }}\n"
      "  chain base {{ type filter hook {} priority 0; meta l4proto udp {} jump {}; }}\n"
      "}}\n",
      family == Family::ipv4 ? "ip" : "ip6", table_name, queue_chain, queue_statement, hook_name(rule.hook),
      rule.only_new ? "ct state new" : "", queue_chain);
}

// Runs inside the namespace.
Expected<void> install(Family family, const ThirdPartyRule& rule) {
  rules::Nft nft;
  const std::string native = table_text(family, rule, fmt::format("queue flags bypass to {}", rule.queue));
  if (nft.check(native)) return nft.run(native).map([](const std::string&) {});
  // The base chain comes last: traffic that passed between the two steps would miss the queue.
  return rules::set_xt_queue_chain(family, table_name, queue_chain, rule.queue).and_then([&] {
    return nft.run(table_text(family, rule, "")).map([](const std::string&) {});
  });
}

}  // namespace

Expected<void> install_third_party(const NetworkNamespace& where, const ThirdPartyRule& rule) {
  return where.run([&] {
    auto done = install(Family::ipv4, rule);
    return done && ipv6_available() ? install(Family::ipv6, rule) : done;
  });
}

}  // namespace ctgate::lab

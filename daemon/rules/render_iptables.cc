// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/rules/render_iptables.hh"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "daemon/rules/queue_plan.hh"
#include "daemon/rules/selection.hh"

namespace ctgate::rules {
namespace {

constexpr std::size_t multiport_slots = 15;  // xt_multiport: a port takes one, a range two

// The policy's ports in groups that fit one multiport match each; one empty group for "every port".
std::vector<std::string> port_matches(const std::vector<PortRange>& ports) {
  std::vector<std::string> matches;
  std::vector<std::string> group;
  std::size_t used = 0;
  const auto close_group = [&] {
    if (!group.empty()) matches.push_back(fmt::format(" -m multiport --dports {}", fmt::join(group, ",")));
    group.clear();
    used = 0;
  };
  for (const auto& range : ports) {
    const bool single = range.first == range.last;
    if (used + (single ? 1 : 2) > multiport_slots) close_group();
    group.push_back(single ? fmt::format("{}", range.first) : fmt::format("{}:{}", range.first, range.last));
    used += single ? 1 : 2;
  }
  close_group();
  if (matches.empty()) matches.emplace_back();
  return matches;
}

std::vector<std::string> interface_matches(const Rule& rule, Hook hook) {
  std::vector<std::string> matches;
  for (std::string name : rule.interfaces) {
    if (name.ends_with('*')) name.back() = '+';
    matches.push_back(fmt::format(" {} {}", hook == Hook::output ? "-o" : "-i", name));
  }
  if (matches.empty()) matches.emplace_back();
  return matches;
}

std::vector<std::string> destination_matches(const Selector& selector) {
  std::vector<std::string> matches;
  for (const auto& prefix : selector.destinations) matches.push_back(" -d " + prefix.to_string());
  if (matches.empty()) matches.emplace_back();
  return matches;
}

std::vector<std::string> user_matches(const Rule& rule) {
  std::vector<std::string> matches;
  for (const auto user : rule.users) matches.push_back(fmt::format(" -m owner --uid-owner {}", user));
  if (matches.empty()) matches.emplace_back();
  return matches;
}

std::vector<std::string> mark_matches(const Rule& rule) {
  std::vector<std::string> matches;
  for (const auto& mark : rule.marks)
    matches.push_back(fmt::format(" -m mark --mark {:#x}/{:#x}", mark.value, mark.mask));
  if (matches.empty()) matches.emplace_back();
  return matches;
}

std::string target(Action action, Release release, const QueuePlan& plan) {
  if (action == Action::pass) return "-j RETURN";
  if (release == Release::replied) return fmt::format("-j NFQUEUE --queue-num {} --queue-bypass", *plan.replied);
  if (plan.confirmed.size() == 1) return fmt::format("-j NFQUEUE --queue-num {} --queue-bypass", plan.confirmed[0]);
  return fmt::format("-j NFQUEUE --queue-balance {}:{} --queue-bypass", plan.confirmed.front(), plan.confirmed.back());
}

void write_selector(std::string& out, std::string_view chain, Hook hook, const Selector& selector,
                    std::string_view target) {
  std::string local;
  if (selector.local == Selector::Local::yes) local = " -m addrtype --dst-type LOCAL";
  if (selector.local == Selector::Local::no) local = " -m addrtype ! --dst-type LOCAL";
  for (const auto& interface : interface_matches(*selector.rule, hook)) {
    for (const auto& destination : destination_matches(selector)) {
      for (const auto& ports : port_matches(selector.ports)) {
        for (const auto& user : user_matches(*selector.rule)) {
          for (const auto& mark : mark_matches(*selector.rule)) {
            out += fmt::format("-A {}{}{} -p udp{}{}{}{} -m comment --comment \"{}\" {}\n", chain, interface,
                               destination, ports, user, mark, local, selector.rule->name, target);
          }
        }
      }
    }
  }
}

void write_chain(std::string& out, const Policy& policy, Hook hook, Family family) {
  const QueuePlan plan = plan_queues(policy);
  const bool output = hook == Hook::output;
  const auto chain = output ? output_chain : prerouting_chain;
  out += fmt::format("-A {} {} lo -j RETURN\n", chain, output ? "-o" : "-i");
  for (const auto& prefix : exempt_prefixes(family))
    out += fmt::format("-A {} -d {} -j RETURN\n", chain, prefix.to_string());
  if (!output) out += fmt::format("-A {} -m pkttype ! --pkt-type unicast -j RETURN\n", chain);
  // Untracked, tracked already, or with a template: see Writer::write_exemptions() in render_nftables.cc.
  out += fmt::format("-A {} -m conntrack ! --ctstate INVALID -j RETURN\n", chain);
  for (const auto& selector : select_rules(policy, hook, family)) {
    write_selector(out, chain, hook, selector, target(selector.rule->action, selector.rule->release, plan));
  }
  out += fmt::format("-A {} -p udp {}\n", chain, target(policy.default_action, policy.default_release, plan));
}

std::string chain_declarations() {
  return fmt::format(":{} - [0:0]\n:{} - [0:0]\n", prerouting_chain, output_chain);
}

}  // namespace

std::string render_iptables(const Policy& policy, Family family, std::span<const Jump> missing_jumps) {
  std::string out = "*raw\n" + chain_declarations();
  for (const auto& jump : missing_jumps) out += fmt::format("-A {} -p udp -j {}\n", jump.from, jump.to);
  write_chain(out, policy, Hook::prerouting, family);
  write_chain(out, policy, Hook::output, family);
  return out + "COMMIT\n";
}

std::string render_iptables_withdraw() {
  return fmt::format("*raw\n{}-A {} -m conntrack --ctstate UNTRACKED -j RETURN\nCOMMIT\n", chain_declarations(),
                     prerouting_chain);
}

std::string render_iptables_removal() {
  return fmt::format("*raw\n-F {0}\n-F {1}\n-X {0}\n-X {1}\nCOMMIT\n", prerouting_chain, output_chain);
}

}  // namespace ctgate::rules

// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/match/match.hh"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "policy/exempt.hh"
#include "policy/toml/diagnostic.hh"
#include "policy/toml/values.hh"

namespace ctgate {

namespace {

// One condition of a rule: whether it holds, and the sentence that says why or why not. Empty: nothing to say.
struct Condition {
  bool holds = true;
  std::string text;
};

template <typename Values, typename ToText>
std::string joined(const Values& values, ToText to_text) {
  std::vector<std::string> texts;
  std::transform(values.begin(), values.end(), std::back_inserter(texts), to_text);
  return fmt::format("{}", fmt::join(texts, ", "));
}

Condition check_ports(const Rule& rule, const FlowFacts& flow) {
  if (rule.destination_ports.empty()) return {};
  const bool holds = std::any_of(rule.destination_ports.begin(), rule.destination_ports.end(), [&](PortRange range) {
    return range.first <= flow.destination_port && flow.destination_port <= range.last;
  });
  return {holds, fmt::format("destination port {} is {}in {}", flow.destination_port, holds ? "" : "not ",
                             joined(rule.destination_ports, format_port_range))};
}

Condition check_destinations(const Rule& rule, const FlowFacts& flow) {
  if (rule.destinations.empty()) return {};
  const bool holds = std::any_of(rule.destinations.begin(), rule.destinations.end(),
                                 [&](const Cidr& cidr) { return cidr.contains(flow.destination); });
  return {holds, fmt::format("destination {} is {}in {}", flow.destination.to_string(), holds ? "" : "not ",
                             joined(rule.destinations, [](const Cidr& cidr) { return cidr.to_string(); }))};
}

Condition check_direction(const Rule& rule, const FlowFacts& flow) {
  if (rule.direction == Direction::any) return {};
  if (flow.direction == Direction::any)
    return {false, fmt::format("direction of the flow is unknown, the rule wants {}", to_string(rule.direction))};
  const bool holds = rule.direction == flow.direction;
  return {holds, fmt::format("direction is {}{}", to_string(flow.direction),
                             holds ? "" : fmt::format(", not {}", to_string(rule.direction)))};
}

bool interface_matches(std::string_view pattern, std::string_view interface) {
  if (!pattern.ends_with('*')) return pattern == interface;
  return interface.starts_with(pattern.substr(0, pattern.size() - 1));
}

Condition check_interfaces(const Rule& rule, const FlowFacts& flow) {
  if (rule.interfaces.empty()) return {};
  const auto wanted = fmt::format("{}", fmt::join(rule.interfaces, ", "));
  if (flow.interface.empty())
    return {false, fmt::format("interface of the flow is unknown, the rule wants {}", wanted)};
  const bool holds = std::any_of(rule.interfaces.begin(), rule.interfaces.end(), [&](const std::string& pattern) {
    return interface_matches(pattern, flow.interface);
  });
  return {holds, fmt::format("interface {} is {}in {}", flow.interface, holds ? "" : "not ", wanted)};
}

Condition check_users(const Rule& rule, const FlowFacts& flow) {
  if (rule.users.empty()) return {};
  if (flow.direction != Direction::output)
    return {false, "only local senders (direction output) have a user, and the rule wants one"};
  const auto wanted = fmt::format("{}", fmt::join(rule.users, ", "));
  if (!flow.user) return {false, fmt::format("user of the flow is unknown, the rule wants {}", wanted)};
  const bool holds = std::find(rule.users.begin(), rule.users.end(), *flow.user) != rule.users.end();
  return {holds, fmt::format("user {} is {}in {}", *flow.user, holds ? "" : "not ", wanted)};
}

Condition check_marks(const Rule& rule, const FlowFacts& flow) {
  if (rule.marks.empty()) return {};
  const auto wanted = joined(rule.marks, format_mark);
  if (!flow.mark) return {false, fmt::format("packet mark of the flow is unknown, the rule wants {}", wanted)};
  const bool holds = std::any_of(rule.marks.begin(), rule.marks.end(),
                                 [&](const MarkMatch& mark) { return (*flow.mark & mark.mask) == mark.value; });
  return {holds, fmt::format("packet mark {:#x} is {}in {}", *flow.mark, holds ? "" : "not ", wanted)};
}

// All conditions that fail, or if none does, all that hold.
Condition check(const Rule& rule, const FlowFacts& flow) {
  bool holds = true;
  std::vector<std::string> reasons;
  std::vector<std::string> failures;
  for (const auto& condition : {check_ports(rule, flow), check_destinations(rule, flow), check_direction(rule, flow),
                                check_interfaces(rule, flow), check_users(rule, flow), check_marks(rule, flow)}) {
    holds = holds && condition.holds;
    if (!condition.holds)
      failures.push_back(condition.text);
    else if (!condition.text.empty())
      reasons.push_back(condition.text);
  }
  if (holds && reasons.empty()) return {true, "it has no conditions"};
  return {holds, fmt::format("{}", fmt::join(holds ? reasons : failures, "; "))};
}

std::optional<Exemption> exemption_of(const Address& address) {
  for (const auto& exempt : exempt_destinations)
    if (exempt.prefix.contains(address)) return exempt.why;
  return std::nullopt;
}

// In one word; empty if the policy decides.
std::string_view exemption_of(const FlowFacts& flow) {
  if (flow.interface == "lo" || exemption_of(flow.source) == Exemption::loopback) return "loopback";
  const auto why = exemption_of(flow.destination);
  if (why == Exemption::loopback) return "loopback";
  if (why == Exemption::multicast) return "multicast";
  if (why == Exemption::broadcast) return "broadcast";
  return {};
}

}  // namespace

MatchResult match(const Policy& policy, const FlowFacts& flow) {
  MatchResult result;
  if (const auto reason = exemption_of(flow); !reason.empty()) {
    result.exempt = true;
    result.action = Action::pass;
    result.why = fmt::format("{} flows are never gated", reason);
    return result;
  }
  for (std::size_t i = 0; i < policy.rules.size(); ++i) {
    const Rule& rule = policy.rules[i];
    auto condition = check(rule, flow);
    if (!condition.holds) {
      result.rejected.push_back(fmt::format("rule {}: {}", in_quotes(rule.name), condition.text));
      continue;
    }
    result.rule = i;
    result.action = rule.action;
    result.release = rule.release;
    result.why = fmt::format("rule {}: {}", in_quotes(rule.name), condition.text);
    return result;
  }
  result.action = policy.default_action;
  result.release = policy.default_release;
  result.why = policy.rules.empty() ? "default: the policy has no rules" : "default: no rule matches";
  return result;
}

}  // namespace ctgate

// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/toml/render.hh"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

#include "policy/toml/values.hh"

namespace ctgate {

namespace {

// A TOML basic string.
std::string toml_string(std::string_view text) {
  std::string escaped = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      escaped += {'\\', c};
    else if (byte < 0x20 || byte == 0x7f)
      escaped += fmt::format("\\u{:04x}", byte);
    else
      escaped += c;
  }
  return escaped + '"';
}

template <typename Values, typename ToToml>
std::string toml_array(const Values& values, ToToml to_toml_value) {
  std::vector<std::string> elements;
  std::transform(values.begin(), values.end(), std::back_inserter(elements), to_toml_value);
  return fmt::format("[{}]", fmt::join(elements, ", "));
}

std::string toml_ports(const PortRange& range) {
  return range.first == range.last ? format_port_range(range) : toml_string(format_port_range(range));
}

// `pass` holds nothing, so nothing is released, and the parser refuses the key.
std::string release_line(Action action, Release release) {
  return action == Action::pass ? "" : fmt::format("release = \"{}\"\n", to_string(release));
}

enum class Part { all, shim };

std::string to_toml(const Rule& rule, Part part) {
  const bool all = part == Part::all;
  std::string text = fmt::format("\n[[rule]]\nname = {}\n", toml_string(rule.name));
  text += fmt::format("destination_ports = {}\n", toml_array(rule.destination_ports, toml_ports));
  text += fmt::format("destinations = {}\n",
                      toml_array(rule.destinations, [](const Cidr& cidr) { return toml_string(cidr.to_string()); }));
  if (all) {
    text += fmt::format("direction = \"{}\"\n", to_string(rule.direction));
    text += fmt::format("interfaces = {}\n", toml_array(rule.interfaces, toml_string));
  }
  text += fmt::format("users = [{}]\n", fmt::join(rule.users, ", "));
  if (all) {
    text += fmt::format("marks = {}\n",
                        toml_array(rule.marks, [](const MarkMatch& mark) { return toml_string(format_mark(mark)); }));
  }
  text += fmt::format("action = \"{}\"\n", to_string(rule.action));
  if (all) text += release_line(rule.action, rule.release);
  text += fmt::format("wait_for = \"{}\"\n", to_string(rule.wait_for));
  return text;
}

std::string to_toml(const GateLimits& gate) {
  return fmt::format(
      "\n[gate]\nmax_hold = \"{}\"\nmax_promotions = {}\nheld_per_flow = {}\nheld_total = {}\n"
      "new_flows_per_source = \"{}\"\n",
      format_duration(gate.max_hold), gate.max_promotions, gate.held_per_flow, gate.held_total,
      format_rate(gate.new_flows_per_source));
}

std::string to_toml(const DaemonOptions& daemon) {
  return fmt::format("\n[daemon]\nqueue = {}\nqueues = {}\nbackend = \"{}\"\n", daemon.queue, daemon.queues,
                     to_string(daemon.backend));
}

std::string to_toml(const ShimOptions& shim) {
  return fmt::format(
      "\n[shim]\nmax_wait = \"{}\"\nwait_for = \"{}\"\nresolver = \"{}\"\nlibc_option = \"{}\"\n"
      "skip_programs = {}\n",
      format_duration(shim.max_wait), to_string(shim.wait_for), to_string(shim.resolver), to_string(shim.libc_option),
      toml_array(shim.skip_programs, toml_string));
}

}  // namespace

std::string to_toml(const Policy& policy) {
  std::string text = "version = 1\n" + to_toml(policy.gate) + to_toml(policy.daemon) + to_toml(policy.shim);
  for (const auto& rule : policy.rules) text += to_toml(rule, Part::all);
  text += fmt::format("\n[default]\naction = \"{}\"\n{}", to_string(policy.default_action),
                      release_line(policy.default_action, policy.default_release));
  return text;
}

std::string shim_part_to_toml(const Policy& policy) {
  std::string text = "version = 1\n" + to_toml(policy.shim);
  for (const auto& rule : policy.rules) text += to_toml(rule, Part::shim);
  text += fmt::format("\n[default]\naction = \"{}\"\n", to_string(policy.default_action));
  return text;
}

}  // namespace ctgate

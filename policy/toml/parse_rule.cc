// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/toml/parse_rule.hh"

#include <utility>

#include "policy/toml/values.hh"

namespace ctgate {

namespace {

tl::expected<PortRange, ValueError> read_ports(const toml::node& node) {
  if (const auto* text = node.as_string()) return parse_port_range(text->get());
  if (const auto* number = node.as_integer()) {
    const auto port = number->get();
    if (port >= 1 && port <= 65535)
      return PortRange{static_cast<std::uint16_t>(port), static_cast<std::uint16_t>(port)};
  }
  return value_error("a port from 1 to 65535 or a range such as \"5300-5399\"");
}

tl::expected<std::uint32_t, ValueError> read_user(const toml::node& node) {
  if (const auto* text = node.as_string()) return parse_user_name(text->get());
  if (const auto* number = node.as_integer(); number != nullptr && number->get() >= 0 && number->get() <= last_user)
    return static_cast<std::uint32_t>(number->get());
  return value_error(fmt::format("the name of a user or a number from 0 to {}", last_user));
}

// An element that must be a string, read with `Parse`.
template <auto Parse>
auto read_text(const toml::node& node) -> decltype(Parse(std::string_view{})) {
  if (const auto* text = node.as_string()) return Parse(text->get());
  return value_error("a string");
}

void read_name(TableReader& reader, const toml::table& table, RuleContext& context, std::string& field) {
  const toml::node* node = reader.get("name");
  if (node == nullptr) {
    if (context.complete) reader.complain(table, "name", "missing", "a name that no other rule has");
    return;
  }
  auto name = read_text<parse_rule_name>(*node);
  if (!name) {
    reader.refuse(*node, reader.full_key("name"), name.error());
    return;
  }
  const auto [first, added] = context.name_lines.emplace(*name, node->source().begin.line);
  if (!added)
    reader.complain(*node, "name",
                    fmt::format("duplicate rule name \"{}\", first used in line {}", *name, first->second),
                    "a name that no other rule has");
  field = std::move(*name);
}

// Only local senders have a user: a forwarded or received datagram has no socket yet.
void check_users(TableReader& reader, const Rule& rule) {
  const toml::node* users = reader.get("users");
  const bool has_users = users != nullptr && users->is_array() && !users->as_array()->empty();
  if (!has_users || rule.direction == Direction::any || rule.direction == Direction::output) return;
  reader.refuse(*reader.get("direction"), reader.full_key("direction"),
                ValueError{R"("output" or "any" in a rule with users, since only local senders have one)", "output"});
}

}  // namespace

void check_release(TableReader& reader, Action action) {
  const toml::node* release = reader.get("release");
  if (release == nullptr || action != Action::pass) return;
  reader.complain(*release, "release", "has no meaning with action = \"pass\"",
                  "no such key here, since what passes is never held");
}

Rule read_rule(const toml::table& table, std::string path, RuleContext& context, Problems& problems) {
  TableReader reader(table, std::move(path), problems);
  Rule rule;
  rule.wait_for = context.wait_for;
  read_name(reader, table, context, rule.name);
  reader.list("destination_ports", "ports and ranges, such as [53, \"5300-5399\"]", read_ports, rule.destination_ports);
  reader.list("destinations", "addresses and prefixes, such as [\"10.0.0.0/8\"]", read_text<parse_cidr>,
              rule.destinations);
  reader.word("direction", rule.direction);
  reader.list("interfaces", "interface names, such as [\"eth*\"]", read_text<parse_interface>, rule.interfaces);
  reader.list("users", "user names and numbers, such as [\"www-data\", 1000]", read_user, rule.users);
  reader.word("action", rule.action);
  reader.word("release", rule.release);
  reader.word("wait_for", rule.wait_for);
  check_users(reader, rule);
  check_release(reader, rule.action);
  reader.finish();
  return rule;
}

}  // namespace ctgate

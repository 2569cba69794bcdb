// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/toml/parse.hh"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <span>
#include <system_error>
#include <utility>

#include "policy/base/file_descriptor.hh"
#include "policy/base/io.hh"
#include "policy/toml/reader.hh"
#include "policy/toml/syntax.hh"
#include "policy/toml/values.hh"

namespace ctgate {

namespace {

using namespace std::chrono_literals;

constexpr std::int64_t policy_version = 1;
constexpr std::int64_t last_queue = 65534;  // 65535 stays free for the queue of "replied"

// An element that must be a string, read with `Parse`.
template <auto Parse>
auto read_text(const toml::node& node) -> decltype(Parse(std::string_view{})) {
  if (const auto* text = node.as_string()) return Parse(text->get());
  return value_error("a string");
}

// Reports `release` where `action` makes it meaningless.
void check_release(TableReader& reader, Action action) {
  const toml::node* release = reader.get("release");
  if (release == nullptr || action != Action::pass) return;
  reader.complain(*release, "release", "has no meaning with action = \"pass\"",
                  "no such key here, since what passes is never held");
}

// --- sections: how keys relate is checked only where each is right by itself -----------------------------------------

void read_gate(TableReader& document, GateLimits& gate, Problems& problems) {
  const toml::table* table = document.section("gate");
  if (table == nullptr) return;
  TableReader reader(*table, "gate", problems);
  reader.duration("max_hold", 1ms, 30s, gate.max_hold);
  reader.integer("max_promotions", 0, 100, gate.max_promotions);
  reader.rate("new_flows_per_source", 1, 1'000'000, gate.new_flows_per_source);
  const bool per_flow_valid = reader.integer("held_per_flow", 1, 65536, gate.held_per_flow);
  const bool total_valid = reader.integer("held_total", 1, 65536, gate.held_total);
  const toml::node* per_flow = table->get("held_per_flow");
  if (per_flow == nullptr) gate.held_per_flow = std::min(gate.held_per_flow, gate.held_total);
  if (gate.held_per_flow > gate.held_total && per_flow_valid && total_valid) {
    reader.refuse(*per_flow, "gate.held_per_flow",
                  ValueError{fmt::format("at most held_total, which is {}", gate.held_total), {}});
  }
  reader.finish();
}

void read_daemon(TableReader& document, DaemonOptions& daemon, std::string_view file, std::vector<std::string>& notes,
                 Problems& problems) {
  const toml::table* table = document.section("daemon");
  if (table == nullptr) return;
  TableReader reader(*table, "daemon", problems);
  const bool queue_valid = reader.integer("queue", 0, last_queue - 1, daemon.queue);
  const bool queues_valid = reader.integer("queues", 1, 64, daemon.queues);
  reader.word("backend", daemon.backend);
  int mark_bit = 0;
  if (reader.integer("mark_bit", 0, 31, mark_bit); const auto* node = table->get("mark_bit")) {
    const auto at = node->source().begin;
    notes.push_back(
        fmt::format("{}:{}:{}: daemon.mark_bit: does nothing any more; remove it", file, at.line, at.column));
  }
  if (daemon.queue + daemon.queues > last_queue && queue_valid && queues_valid) {
    const toml::node* queues = table->get("queues");
    const char* key = queues != nullptr ? "queues" : "queue";
    reader.refuse(
        queues != nullptr ? *queues : *table->get("queue"), reader.full_key(key),
        ValueError{fmt::format("queue + queues to be at most {}, not {}", last_queue, daemon.queue + daemon.queues),
                   {}});
  }
  reader.finish();
}

void read_shim(TableReader& document, ShimOptions& shim, Problems& problems) {
  const toml::table* table = document.section("shim");
  if (table == nullptr) return;
  TableReader reader(*table, "shim", problems);
  reader.duration("max_wait", 1ms, 10s, shim.max_wait);
  reader.word("wait_for", shim.wait_for);
  reader.word("resolver", shim.resolver);
  reader.word("libc_option", shim.libc_option);
  reader.list("skip_programs", "absolute paths", read_text<parse_program>, shim.skip_programs);
  reader.finish();
}

void read_default(TableReader& document, Policy& policy, Problems& problems) {
  const toml::table* table = document.section("default");
  if (table == nullptr) return;
  TableReader reader(*table, "default", problems);
  reader.word("action", policy.default_action);
  reader.word("release", policy.default_release);
  check_release(reader, policy.default_action);
  reader.finish();
}

// --- rules -----------------------------------------------------------------------------------------------------------

// What all rules of a file share.
struct RuleContext {
  WaitFor wait_for = WaitFor::departure;       // of [shim]: for rules that do not say
  std::map<std::string, unsigned> name_lines;  // where each name was first given
};

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

void read_name(TableReader& reader, const toml::table& table, RuleContext& context, std::string& field) {
  const toml::node* node = reader.get("name");
  if (node == nullptr) {
    reader.complain(table, "name", "missing", "a name that no other rule has");
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
  reader.list("marks", "packet marks, such as [\"0x40/0xff\"]", read_text<parse_mark>, rule.marks);
  reader.word("action", rule.action);
  reader.word("release", rule.release);
  reader.word("wait_for", rule.wait_for);
  check_users(reader, rule);
  check_release(reader, rule.action);
  reader.finish();
  return rule;
}

void read_rules(TableReader& document, Policy& policy, Problems& problems) {
  const toml::node* node = document.get("rule");
  if (node == nullptr) return;
  const auto* array = node->as_array();
  if (array == nullptr) {
    document.refuse(*node, "rule", ValueError{"an array of tables: each rule begins with [[rule]]", {}});
    return;
  }
  RuleContext context{policy.shim.wait_for, {}};
  for (std::size_t i = 0; i < array->size(); ++i) {
    const auto path = fmt::format("rule[{}]", i);
    if (const auto* table = (*array)[i].as_table())
      policy.rules.push_back(read_rule(*table, path, context, problems));
    else
      document.refuse((*array)[i], path, ValueError{"a table: each rule begins with [[rule]]", {}});
  }
}

}  // namespace

ParseResult parse_policy(std::string_view text, std::string_view file_name) {
  Problems problems(file_name);
  const auto document = parse_toml(text, problems);
  if (!document) return tl::unexpected(problems.sorted());
  Policy policy;
  TableReader reader(*document, "", problems);
  std::int64_t version = policy_version;
  reader.integer("version", policy_version, policy_version, version);
  read_gate(reader, policy.gate, problems);
  read_daemon(reader, policy.daemon, file_name, policy.notes, problems);
  read_shim(reader, policy.shim, problems);
  read_rules(reader, policy, problems);
  read_default(reader, policy, problems);
  reader.finish();
  auto errors = problems.sorted();
  if (!errors.empty()) return tl::unexpected(std::move(errors));
  return policy;
}

// --- files -----------------------------------------------------------------------------------------------------------

namespace {

tl::unexpected<Error> unreadable(const std::string& path, int error) {
  return usage_error(fmt::format("cannot read the policy {}: {}; name a readable file, or fix its permissions", path,
                                 std::generic_category().message(error)));
}

}  // namespace

Expected<std::optional<std::string>> read_policy_file(const std::string& path) {
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) {
    if (errno == ENOENT) return std::nullopt;
    return unreadable(path, errno);
  }
  // Read, not stat'ed and mapped: the size of a pipe is unknown and that of a file may change.
  std::string text(largest_policy_file + 1, '\0');
  const auto count = read_whole(file.get(), std::as_writable_bytes(std::span(text)));
  if (count < 0) return unreadable(path, errno);
  const auto size = static_cast<std::size_t>(count);
  if (size > largest_policy_file)
    return usage_error(
        fmt::format("the policy {} is larger than {} bytes; is it the right file?", path, largest_policy_file));
  text.resize(size);
  return text;
}

Expected<Policy> load_policy(const std::string& path, bool must_exist) {
  const auto text = read_policy_file(path);
  if (!text) return tl::unexpected(text.error());
  if (!*text) {
    if (must_exist) return unreadable(path, ENOENT);
    return Policy{};
  }
  auto parsed = parse_policy(**text, path);
  if (!parsed) return usage_error(to_string(parsed.error()));
  return std::move(*parsed);
}

}  // namespace ctgate

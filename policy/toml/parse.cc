// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/toml/parse.hh"

#include <algorithm>
#include <array>

#include "policy/toml/parse_rule.hh"
#include "policy/toml/reader.hh"
#include "policy/toml/toml_text.hh"
#include "policy/toml/values.hh"

namespace ctgate {

namespace {

using namespace std::chrono_literals;

constexpr std::int64_t policy_version = 1;
constexpr std::int64_t last_queue = 65534;  // 65535 stays free for the queue of "replied"
constexpr int most_syntax_errors = 20;      // each costs another pass over the file

// --- syntax ---------------------------------------------------------------------------------------------------------

// toml++ says what it was reading in front: "Error while parsing array: expected comma". Split at the colon.
struct SyntaxError {
  std::string_view context;  // "array"
  std::string_view text;     // "expected comma"

  explicit SyntaxError(std::string_view description) : text(description) {
    constexpr std::string_view prefix = "Error while parsing ";
    const auto colon = description.find(": ");
    if (!description.starts_with(prefix) || colon == description.npos) return;
    context = description.substr(prefix.size(), colon - prefix.size());
    text = description.substr(colon + 2);
  }
  [[nodiscard]] bool inside_value() const {
    constexpr std::array<std::string_view, 5> outside = {"", "table header", "key-value pair", "key", "comment"};
    return std::find(outside.begin(), outside.end(), context) == outside.end();
  }
};

Diagnostic describe_syntax_error(const SyntaxError& error, const TomlText& text, unsigned line) {
  Diagnostic diagnostic;
  diagnostic.key = text.key_at(line);
  const auto word = text.plain_value_at(line);
  if (!word.empty() && error.text.find("redefine") == error.text.npos) {
    diagnostic.expected = "a string in double quotes";
    diagnostic.found = word;
    diagnostic.nearest = word;
  } else {
    diagnostic.problem = fmt::format("not TOML: {}", error.text);
  }
  return diagnostic;
}

// The document without its broken statements, which go to `problems`. `complete`: there were none.
toml::table parse_toml(std::string_view text, Problems& problems, bool& complete) {
  const TomlText original(text);
  TomlText repaired = original;
  std::string current(text);
  for (int errors = 0; errors < most_syntax_errors; ++errors) {
    if (const auto deep = find_excessive_nesting(current)) {
      complete = false;
      Diagnostic diagnostic;
      diagnostic.problem = "tables nested too deeply";
      diagnostic.expected = "keys such as gate.max_hold";
      problems.add({deep->line, deep->column}, std::move(diagnostic));
      if (!repaired.remove(repaired.statement_at(*deep, false))) break;
    } else {
      try {
        return toml::parse(current);
      } catch (const toml::parse_error& thrown) {
        complete = false;
        const SyntaxError error(thrown.description());
        const auto position = thrown.source().begin;
        const auto statement = repaired.statement_at({position.line, position.column}, error.inside_value());
        problems.add(position, describe_syntax_error(error, original, statement.first));
        if (!repaired.remove(statement)) break;
      }
    }
    current = repaired.joined();
  }
  return {};
}

// --- sections: relations between keys are checked only where each key is right by itself
// -------------------------------------------------------------------------------------------------------

void read_gate(TableReader& document, bool complete, GateLimits& gate, Problems& problems) {
  const toml::table* table = document.section("gate");
  if (table == nullptr) return;
  TableReader reader(*table, "gate", problems);
  reader.duration("max_hold", 1ms, 30s, gate.max_hold);
  reader.integer("max_promotions", 0, 100, gate.max_promotions);
  const bool per_flow_valid = reader.integer("held_per_flow", 1, 65536, gate.held_per_flow);
  const bool total_valid = reader.integer("held_total", 1, 65536, gate.held_total);
  if (gate.held_per_flow > gate.held_total && per_flow_valid && total_valid && complete) {
    const toml::node* per_flow = table->get("held_per_flow");
    if (per_flow != nullptr)
      reader.refuse(*per_flow, "gate.held_per_flow",
                    ValueError{fmt::format("at most held_total, which is {}", gate.held_total), {}});
    else
      reader.refuse(*table->get("held_total"), "gate.held_total",
                    ValueError{fmt::format("at least held_per_flow, which is {}", gate.held_per_flow), {}});
  }
  reader.finish();
}

void read_daemon(TableReader& document, bool complete, DaemonOptions& daemon, Problems& problems) {
  const toml::table* table = document.section("daemon");
  if (table == nullptr) return;
  TableReader reader(*table, "daemon", problems);
  const bool queue_valid = reader.integer("queue", 0, last_queue - 1, daemon.queue);
  const bool queues_valid = reader.integer("queues", 1, 64, daemon.queues);
  reader.word("backend", daemon.backend);
  reader.integer("mark_bit", 0, 31, daemon.mark_bit);
  if (daemon.queue + daemon.queues > last_queue && queue_valid && queues_valid && complete) {
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
  const auto program = [](const toml::node& node) -> tl::expected<std::string, ValueError> {
    const auto* text = node.as_string();
    return text != nullptr ? parse_program(text->get()) : value_error("a string");
  };
  reader.list("skip_programs", "absolute paths", program, shim.skip_programs);
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

void read_rules(TableReader& document, bool complete, Policy& policy, Problems& problems) {
  const toml::node* node = document.get("rule");
  if (node == nullptr) return;
  const auto* array = node->as_array();
  if (array == nullptr) {
    document.refuse(*node, "rule", ValueError{"an array of tables: each rule begins with [[rule]]", {}});
    return;
  }
  RuleContext context{policy.shim.wait_for, complete, {}};
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
  if (text.size() > largest_policy_file) {
    Diagnostic diagnostic;
    diagnostic.problem = "file too large";
    diagnostic.expected = fmt::format("at most {} bytes", largest_policy_file);
    problems.add({1, 1}, std::move(diagnostic));
    return tl::unexpected(problems.sorted());
  }
  Policy policy;
  bool complete = true;
  const toml::table document = parse_toml(text, problems, complete);
  TableReader reader(document, "", problems);
  std::int64_t version = policy_version;
  reader.integer("version", policy_version, policy_version, version);
  read_gate(reader, complete, policy.gate, problems);
  read_daemon(reader, complete, policy.daemon, problems);
  read_shim(reader, policy.shim, problems);
  read_rules(reader, complete, policy, problems);
  read_default(reader, policy, problems);
  reader.finish();
  auto errors = problems.sorted();
  if (!errors.empty()) return tl::unexpected(std::move(errors));
  return policy;
}

}  // namespace ctgate

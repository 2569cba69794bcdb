// SPDX-License-Identifier: GPL-2.0-or-later
// ctgate policy check|show|match; compile is in policy_image_commands.cc
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>
#include <utility>

#include "daemon/ctgate/commands.hh"
#include "daemon/ctgate/policy_file.hh"
#include "daemon/ctgate/policy_image_commands.hh"
#include "policy/endpoint.hh"
#include "policy/match/match.hh"
#include "policy/toml/render.hh"
#include "policy/toml/values.hh"

namespace ctgate::cli {

namespace {

using Json = nlohmann::ordered_json;

// --- check ----------------------------------------------------------------------------------------------------------

ExitCode check(const std::string& file) {
  const auto loaded = load_policy_file(file);
  if (!loaded) return report_policy_error(loaded.error());
  const auto count = loaded->policy.rules.size();
  for (const auto& note : loaded->policy.notes) fmt::print("{}\n", note);
  fmt::print("{}: ok, {} rule{}\n", loaded->title, count, count == 1 ? "" : "s");
  return ExitCode::ok;
}

// --- show -----------------------------------------------------------------------------------------------------------

Json to_json(const Rule& rule) {
  Json ports = Json::array();
  for (const auto& range : rule.destination_ports) {
    if (range.first == range.last)
      ports.push_back(range.first);
    else
      ports.push_back(format_port_range(range));
  }
  Json destinations = Json::array();
  for (const auto& cidr : rule.destinations) destinations.push_back(cidr.to_string());
  Json marks = Json::array();
  for (const auto& mark : rule.marks) marks.push_back(format_mark(mark));
  Json json = {{"name", rule.name},
               {"destination_ports", ports},
               {"destinations", destinations},
               {"direction", to_string(rule.direction)},
               {"interfaces", rule.interfaces},
               {"users", rule.users},
               {"marks", marks},
               {"action", to_string(rule.action)}};
  if (rule.action == Action::gate) json["release"] = to_string(rule.release);
  json["wait_for"] = to_string(rule.wait_for);
  return json;
}

// The keys and values of the TOML file.
Json to_json(const Policy& policy) {
  Json json;
  json["version"] = 1;
  json["gate"] = {{"max_hold", format_duration(policy.gate.max_hold)},
                  {"max_promotions", policy.gate.max_promotions},
                  {"held_per_flow", policy.gate.held_per_flow},
                  {"held_total", policy.gate.held_total},
                  {"new_flows_per_source", format_rate(policy.gate.new_flows_per_source)}};
  json["daemon"] = {
      {"queue", policy.daemon.queue}, {"queues", policy.daemon.queues}, {"backend", to_string(policy.daemon.backend)}};
  json["shim"] = {{"max_wait", format_duration(policy.shim.max_wait)},
                  {"wait_for", to_string(policy.shim.wait_for)},
                  {"resolver", to_string(policy.shim.resolver)},
                  {"libc_option", to_string(policy.shim.libc_option)},
                  {"skip_programs", policy.shim.skip_programs}};
  json["rule"] = Json::array();
  for (const auto& rule : policy.rules) json["rule"].push_back(to_json(rule));
  json["default"] = {{"action", to_string(policy.default_action)}};
  if (policy.default_action == Action::gate) json["default"]["release"] = to_string(policy.default_release);
  return json;
}

ExitCode show(const std::string& file, bool json) {
  const auto loaded = load_policy_file(file);
  if (!loaded) return report_policy_error(loaded.error());
  if (json) {
    const Json document = {
        {"file", file.empty() ? std::string(default_policy_path) : file},
        {"built_in_defaults", loaded->defaults},
        {"policy", to_json(loaded->policy)},
    };
    fmt::print("{}\n", document.dump(2, ' ', false, Json::error_handler_t::replace));
  } else {
    fmt::print("# {}\n{}", loaded->title, to_toml(loaded->policy));
  }
  return ExitCode::ok;
}

// --- match ----------------------------------------------------------------------------------------------------------

struct MatchOptions {
  std::string file;
  std::string direction = "output";
  std::string interface;
  std::string user;
  std::string mark;
  bool json = false;
  std::string source;
  std::string destination;
};

// "192.0.2.1:53" or "[2001:db8::1]:53".
Expected<Endpoint> parse_endpoint(const std::string& text) {
  const auto colon = text.rfind(':');
  std::string host = text.substr(0, colon);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto address = Address::parse(host);
  const auto port = colon == text.npos ? tl::unexpected(ValueError{}) : parse_port_range(text.substr(colon + 1));
  const bool valid = address && bracketed == (address->family == Family::ipv6) && port && port->first == port->last;
  if (valid) return Endpoint{*address, port->first};
  return usage_error(fmt::format("\"{}\" is not an address with a port; write 192.0.2.1:53 or [2001:db8::1]:53", text));
}

Expected<std::uint32_t> parse_user(const std::string& text) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc{} && end == text.data() + text.size() && number <= last_user) return number;
  const auto user = parse_user_name(text);
  if (user) return *user;
  const auto& nearest = user.error().nearest;
  return usage_error(fmt::format("--user: expected {}, found \"{}\"{}", user.error().expected, text,
                                 nearest.empty() ? "" : fmt::format("; did you mean \"{}\"?", nearest)));
}

Expected<FlowFacts> parse_flow(const MatchOptions& options) {
  const auto source = parse_endpoint(options.source);
  if (!source) return tl::unexpected(source.error());
  const auto destination = parse_endpoint(options.destination);
  if (!destination) return tl::unexpected(destination.error());
  if (source->address.family != destination->address.family)
    return usage_error("SOURCE and DESTINATION must both be IPv4 or both be IPv6 addresses");
  FlowFacts flow{source->address, destination->address, source->port, destination->port, Direction::output, {}, {}, {}};
  for (const auto direction : {Direction::output, Direction::forward, Direction::input})
    if (options.direction == to_string(direction)) flow.direction = direction;
  flow.interface = options.interface;
  if (!options.user.empty()) {
    if (flow.direction != Direction::output)
      return usage_error("--user requires --direction output: other flows have no local sender");
    const auto user = parse_user(options.user);
    if (!user) return tl::unexpected(user.error());
    flow.user = *user;
  }
  if (!options.mark.empty()) {
    const auto mark = parse_mark(options.mark);
    if (!mark || mark->mask != MarkMatch{}.mask) {
      return usage_error(fmt::format("--mark: expected a packet mark such as 0x40, found \"{}\"", options.mark));
    }
    flow.mark = mark->value;
  }
  return flow;
}

void print_match(const PolicyFile& loaded, const MatchResult& result) {
  fmt::print("policy:  {}\n", loaded.title);
  fmt::print("action:  {}\n", to_string(result.action));
  if (result.action == Action::gate) fmt::print("release: {}\n", to_string(result.release));
  fmt::print("why:     {}\n", result.why);
  for (const auto& line : result.rejected) fmt::print("not:     {}\n", line);
}

void print_match_json(const PolicyFile& loaded, const MatchResult& result) {
  Json json;
  json["policy"] = loaded.title;
  json["rule"] = result.rule ? Json(loaded.policy.rules[*result.rule].name) : Json();
  json["exempt"] = result.exempt;
  json["action"] = to_string(result.action);
  json["release"] = result.action == Action::gate ? Json(to_string(result.release)) : Json();
  json["why"] = result.why;
  json["rejected"] = result.rejected;
  fmt::print("{}\n", json.dump(2, ' ', false, Json::error_handler_t::replace));
}

ExitCode run_match(const MatchOptions& options) {
  const auto flow = parse_flow(options);
  if (!flow) return report(flow.error());
  const auto loaded = load_policy_file(options.file);
  if (!loaded) return report_policy_error(loaded.error());
  const auto result = match(loaded->policy, *flow);
  options.json ? print_match_json(*loaded, result) : print_match(*loaded, result);
  return ExitCode::ok;
}

// --- command line ---------------------------------------------------------------------------------------------------

void add_check(CLI::App& policy, ExitCode& exit_code) {
  auto* command = policy.add_subcommand("check", "Check a policy file and print its errors");
  auto file = std::make_shared<std::string>();
  command->add_option("FILE", *file, policy_file_help);
  command->footer(
      "Prints \"FILE: ok, N rules\" and exits with 0, or prints the errors as FILE:LINE:COLUMN: KEY: MESSAGE to\n"
      "standard error and exits with 2. Columns are counted in characters; indexes such as rule[2] count from 0.");
  command->callback([file, &exit_code] { exit_code = check(*file); });
}

void add_show(CLI::App& policy, ExitCode& exit_code) {
  auto* command = policy.add_subcommand("show", "Print the effective policy, with every default filled in");
  auto file = std::make_shared<std::string>();
  auto json = std::make_shared<bool>(false);
  auto image = std::make_shared<std::string>();
  auto* file_option = command->add_option("FILE", *file, policy_file_help);
  auto* json_flag = command->add_flag("--json", *json, "Print JSON with the same keys instead of TOML");
  command
      ->add_option("--image", *image,
                   "Show the contents of this image (see policy compile); an image has no rule names")
      ->type_name("PATH")
      ->excludes(file_option)
      ->excludes(json_flag);
  command->footer(
      "The TOML is a valid policy file with the same meaning. Users are printed as numbers; release is omitted where\n"
      "the action is \"pass\".");
  command->callback(
      [file, json, image, &exit_code] { exit_code = image->empty() ? show(*file, *json) : show_policy_image(*image); });
}

void add_match(CLI::App& policy, ExitCode& exit_code) {
  auto* command =
      policy.add_subcommand("match", "Show which rule a UDP flow matches, and why the rules before it do not");
  auto options = std::make_shared<MatchOptions>();
  command->add_option("SOURCE", options->source, "Source before NAT, ADDRESS:PORT or [ADDRESS]:PORT for IPv6")
      ->required();
  command->add_option("DESTINATION", options->destination, "Destination before NAT, written the same way")->required();
  command->add_option("--policy", options->file, policy_file_help)->type_name("FILE");
  command
      ->add_option("--direction", options->direction,
                   "output: sent by this host (the default), forward: routed through it, input: sent to it")
      ->check(CLI::IsMember({"output", "forward", "input"}))
      ->type_name("DIRECTION");
  command
      ->add_option("--interface", options->interface,
                   "Incoming interface, or outgoing interface with --direction output; without it, rules that name "
                   "interfaces do not match")
      ->type_name("NAME");
  command
      ->add_option("--user", options->user,
                   "Name or number of the local sender; without it, rules that name users do not match")
      ->type_name("USER");
  command
      ->add_option("--mark", options->mark,
                   "Packet mark before conntrack; without it, rules that name marks do not match")
      ->type_name("MARK");
  command->add_flag("--json", options->json, "Print JSON");
  command->footer(
      "Example: ctgate policy match --user www-data 192.0.2.10:40000 192.0.2.53:53\n"
      "Reads only the policy: sends nothing, and does not ask the kernel. Exits with 0 whatever the decision is, and\n"
      "with 2 if the policy is wrong.");
  command->callback([options, &exit_code] { exit_code = run_match(*options); });
}

}  // namespace

void add_policy_commands(CLI::App& app, ExitCode& exit_code) {
  auto* policy = app.add_subcommand("policy", "Check, print, test and compile the policy file");
  policy->require_subcommand(1);
  add_check(*policy, exit_code);
  add_show(*policy, exit_code);
  add_match(*policy, exit_code);
  add_policy_compile(*policy, exit_code);
}

}  // namespace ctgate::cli

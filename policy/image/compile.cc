// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/image/compile.hh"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <span>
#include <system_error>
#include <type_traits>
#include <utility>

namespace ctgate {

namespace {

template <typename InImage, typename InPolicy>
constexpr bool same(InImage image, InPolicy policy) {
  return static_cast<int>(image) == static_cast<int>(policy);
}
static_assert(same(image::Action::gate, Action::gate) && same(image::Action::pass, Action::pass));
static_assert(same(image::WaitFor::departure, WaitFor::departure) && same(image::WaitFor::reply, WaitFor::reply) &&
              same(image::WaitFor::delay, WaitFor::delay));
static_assert(same(image::Resolver::automatic, Resolver::automatic) && same(image::Resolver::libc, Resolver::libc) &&
              same(image::Resolver::c_ares, Resolver::c_ares) && same(image::Resolver::off, Resolver::off));
static_assert(same(image::LibcOption::single_request, LibcOption::single_request) &&
              same(image::LibcOption::single_request_reopen, LibcOption::single_request_reopen));

template <typename Value>
std::uint8_t number(Value value) {
  return static_cast<std::uint8_t>(value);
}

std::uint32_t count(std::size_t size) {
  return static_cast<std::uint32_t>(size);
}

// The tables of an image while they grow.
struct Tables {
  std::vector<image::Rule> rules;
  std::vector<image::PortRange> ports;
  std::vector<image::Prefix> prefixes;
  std::vector<image::User> users;
  std::string text;

  [[nodiscard]] std::size_t image_size() const {
    return sizeof(image::Header) + rules.size() * sizeof(image::Rule) + ports.size() * sizeof(image::PortRange) +
           prefixes.size() * sizeof(image::Prefix) + users.size() * sizeof(image::User) + text.size();
  }
};

// Why no flow of a local sender can match; empty if one can.
std::string obstacle(const Rule& rule) {
  if (rule.direction == Direction::forward || rule.direction == Direction::input)
    return fmt::format("direction is {}, and the library sees what its own program sends", to_string(rule.direction));
  if (!rule.interfaces.empty())
    return "it names interfaces, and which one a datagram takes is not known to the library";
  if (!rule.marks.empty()) return "it names packet marks, which the library does not see";
  return {};
}

image::PortRange to_image(const PortRange& range) {
  return {range.first, range.last};
}

image::Prefix to_image(const Cidr& cidr) {
  image::Prefix prefix{};
  prefix.family = number(cidr.network.family);
  prefix.length = cidr.length;
  std::copy(cidr.network.bytes.begin(), cidr.network.bytes.end(), prefix.network);
  return prefix;
}

image::User to_image(std::uint32_t user) {
  return user;
}

// Appends `values` to `table`.
template <typename Element, typename Values>
image::Slice add(std::vector<Element>& table, const Values& values) {
  const image::Slice slice{count(table.size()), count(values.size())};
  for (const auto& value : values) table.push_back(to_image(value));
  return slice;
}

void add(Tables& tables, const Rule& rule) {
  image::Rule compiled{};
  compiled.ports = add(tables.ports, rule.destination_ports);
  compiled.prefixes = add(tables.prefixes, rule.destinations);
  compiled.users = add(tables.users, rule.users);
  compiled.action = number(rule.action);
  compiled.wait_for = number(rule.wait_for);
  tables.rules.push_back(compiled);
}

image::Header make_header(const Policy& policy, const Tables& tables) {
  image::Header header{};
  std::copy(std::begin(image::magic), std::end(image::magic), header.magic);
  header.version = image::format_version;
  header.size = count(tables.image_size());
  header.max_wait = static_cast<std::uint32_t>(policy.shim.max_wait.count());
  header.wait_for = number(policy.shim.wait_for);
  header.resolver = number(policy.shim.resolver);
  header.libc_option = number(policy.shim.libc_option);
  header.default_action = number(policy.default_action);
  header.rules = count(tables.rules.size());
  header.ports = count(tables.ports.size());
  header.prefixes = count(tables.prefixes.size());
  header.users = count(tables.users.size());
  header.text = count(tables.text.size());
  return header;
}

template <typename Values>
void append(std::vector<std::byte>& bytes, const Values& values) {
  static_assert(std::has_unique_object_representations_v<typename Values::value_type>, "padding would reach the file");
  const auto content = std::as_bytes(std::span(values));
  bytes.insert(bytes.end(), content.begin(), content.end());
}

std::vector<std::byte> assemble(const image::Header& header, const Tables& tables) {
  std::vector<std::byte> bytes;
  bytes.reserve(header.size);
  append(bytes, std::array{header});
  append(bytes, tables.rules);
  append(bytes, tables.ports);
  append(bytes, tables.prefixes);
  append(bytes, tables.users);
  append(bytes, tables.text);
  const auto checked = std::span(bytes).subspan(offsetof(image::Header, max_wait));
  const std::uint64_t checksum = image::checksum(checked.data(), checked.size());
  std::memcpy(bytes.data() + offsetof(image::Header, checksum), &checksum, sizeof(checksum));
  return bytes;
}

Cidr to_policy(const image::Prefix& prefix) {
  Cidr cidr;
  cidr.network.family = static_cast<Family>(prefix.family);
  std::copy(std::begin(prefix.network), std::end(prefix.network), cidr.network.bytes.begin());
  cidr.length = prefix.length;
  return cidr;
}

Rule to_policy(const image::View& view, const image::Rule& compiled) {
  Rule rule;
  for (const auto& range : std::span(view.ports() + compiled.ports.first, compiled.ports.count))
    rule.destination_ports.push_back({range.first, range.last});
  for (const auto& prefix : std::span(view.prefixes() + compiled.prefixes.first, compiled.prefixes.count))
    rule.destinations.push_back(to_policy(prefix));
  const auto users = std::span(view.users() + compiled.users.first, compiled.users.count);
  rule.users.assign(users.begin(), users.end());
  rule.action = static_cast<Action>(compiled.action);
  rule.wait_for = static_cast<WaitFor>(compiled.wait_for);
  return rule;
}

}  // namespace

Expected<CompiledPolicy> compile_policy(const Policy& policy) {
  CompiledPolicy compiled;
  Tables tables;
  for (const auto& rule : policy.rules) {
    if (auto why = obstacle(rule); why.empty())
      add(tables, rule);
    else
      compiled.left_out.push_back({rule.name, std::move(why)});
  }
  for (const auto& program : policy.shim.skip_programs) tables.text.append(program).push_back('\0');
  if (tables.image_size() > image::largest_image)
    return usage_error(
        fmt::format("the policy takes {} bytes as an image, and the preload library reads at most {}; use fewer or "
                    "wider rules, ports, destinations and users, or fewer skip_programs",
                    tables.image_size(), image::largest_image));
  compiled.rules = tables.rules.size();
  compiled.image = assemble(make_header(policy, tables), tables);
  image::View view;
  if (image::View::open(compiled.image.data(), compiled.image.size(), view) != image::Fault::none)
    return usage_error("the policy has a value that no policy file may have, and the preload library would refuse it");
  return compiled;
}

Policy with_resolved_programs(Policy policy) {
  auto& programs = policy.shim.skip_programs;
  for (const auto& program : std::vector<std::string>(programs)) {
    std::error_code error;
    const auto resolved = std::filesystem::canonical(program, error);
    if (!error && std::find(programs.begin(), programs.end(), resolved) == programs.end())
      programs.push_back(resolved.string());
  }
  return policy;
}

Policy policy_of_image(const image::View& view) {
  const image::Header& header = view.header();
  Policy policy;
  policy.shim.max_wait = Milliseconds(header.max_wait);
  policy.shim.wait_for = static_cast<WaitFor>(header.wait_for);
  policy.shim.resolver = static_cast<Resolver>(header.resolver);
  policy.shim.libc_option = static_cast<LibcOption>(header.libc_option);
  policy.default_action = static_cast<Action>(header.default_action);
  for (const char* path = view.text(); path < view.text() + header.text; path += std::strlen(path) + 1)
    policy.shim.skip_programs.emplace_back(path);
  for (const auto& compiled : std::span(view.rules(), header.rules)) {
    policy.rules.push_back(to_policy(view, compiled));
    policy.rules.back().name = fmt::format("rule-{}", policy.rules.size());
  }
  return policy;
}

}  // namespace ctgate

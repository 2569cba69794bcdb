// SPDX-License-Identifier: GPL-2.0-or-later
// A policy as TOML: complete and exact.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "policy/toml/parse.hh"
#include "policy/toml/render.hh"
#include "policy/words.hh"

namespace ctgate {
namespace {

// Random valid policies.
class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}

  Policy policy() {
    Policy policy;
    policy.gate.max_hold = Milliseconds(number(1, 30000));
    policy.gate.max_promotions = number(0, 100);
    policy.gate.held_total = number(1, 65536);
    policy.gate.held_per_flow = number(1, policy.gate.held_total);
    policy.gate.new_flows_per_source = number(1, 1000000);
    policy.daemon.queues = static_cast<std::uint16_t>(number(1, 64));
    policy.daemon.queue = static_cast<std::uint16_t>(number(0, 65534U - policy.daemon.queues));
    policy.daemon.backend = word<BackendSetting>();
    policy.shim.max_wait = Milliseconds(number(1, 10000));
    policy.shim.wait_for = word<WaitFor>();
    policy.shim.resolver = word<Resolver>();
    policy.shim.libc_option = word<LibcOption>();
    for (auto left = number(0, 3); left > 0; --left) policy.shim.skip_programs.push_back(path());
    for (auto left = number(0, 5); left > 0; --left) policy.rules.push_back(rule(policy.rules.size()));
    policy.default_action = word<Action>();
    if (policy.default_action == Action::gate) policy.default_release = word<Release>();
    return policy;
  }

 private:
  std::uint32_t number(std::uint32_t least, std::uint32_t most) {
    return std::uniform_int_distribution<std::uint32_t>(least, most)(random_);
  }

  template <typename Value>
  Value word() {
    return words<Value>[number(0, static_cast<std::uint32_t>(words<Value>.size()) - 1)].value;
  }

  // Every printable ASCII character, quotes and backslash too, and one that is not ASCII.
  std::string path() {
    std::string text = "/";
    for (auto left = number(1, 80); left > 0; --left) text += static_cast<char>(number(0x20, 0x7e));
    return text + "\xc3\xa9";
  }

  std::string interface() {
    constexpr std::string_view characters = "abz09_-.@$%&(){}=,;!#~^|<>";
    std::string text = "e";
    for (auto left = number(0, 13); left > 0; --left)
      text += characters[number(0, static_cast<std::uint32_t>(characters.size()) - 1)];
    return number(0, 1) == 0 ? text : text + '*';
  }

  Cidr cidr() {
    CidrText text;
    text.address.family = number(0, 1) == 0 ? Family::ipv4 : Family::ipv6;
    const std::size_t size = text.address.family == Family::ipv4 ? 4 : 16;
    for (std::size_t i = 0; i < size; ++i) text.address.bytes[i] = static_cast<std::uint8_t>(number(0, 255));
    text.length = static_cast<std::uint8_t>(number(0, static_cast<std::uint32_t>(size) * 8));
    return text.network();
  }

  Rule rule(std::size_t index) {
    Rule rule;
    rule.name = "rule-" + std::to_string(index);
    for (auto left = number(0, 4); left > 0; --left) {
      const auto first = number(1, 65535);
      const auto last = number(0, 1) == 0 ? first : number(first, 65535);
      rule.destination_ports.push_back({static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(last)});
    }
    for (auto left = number(0, 4); left > 0; --left) rule.destinations.push_back(cidr());
    for (auto left = number(0, 3); left > 0; --left) rule.interfaces.push_back(interface());
    rule.direction = word<Direction>();
    if (rule.direction == Direction::any || rule.direction == Direction::output)
      for (auto left = number(0, 3); left > 0; --left) rule.users.push_back(number(0, 0xfffffffe));
    for (auto left = number(0, 3); left > 0; --left) {
      const auto mask = number(0, 0xffffffff);
      rule.marks.push_back({number(0, 0xffffffff) & mask, mask});
    }
    rule.action = word<Action>();
    if (rule.action == Action::gate) rule.release = word<Release>();
    rule.wait_for = word<WaitFor>();
    return rule;
  }

  std::mt19937 random_;
};

TEST(RenderPolicy, BuiltInPolicy) {
  EXPECT_EQ(to_toml(Policy{}),
            "version = 1\n\n"
            "[gate]\nmax_hold = \"30s\"\nmax_promotions = 3\nheld_per_flow = 512\nheld_total = 8192\n"
            "new_flows_per_source = \"1000/s\"\n\n"
            "[daemon]\nqueue = 5380\nqueues = 1\nbackend = \"auto\"\n"
            "\n"
            "[shim]\nmax_wait = \"100ms\"\nwait_for = \"departure\"\nresolver = \"auto\"\n"
            "libc_option = \"single-request\"\nskip_programs = []\n\n"
            "[default]\naction = \"gate\"\nrelease = \"confirmed\"\n");
}

TEST(RenderPolicy, RuleHasEveryKey) {
  Policy policy;
  Rule rule;
  rule.name = "dns";
  rule.destination_ports = {{53, 53}, {5300, 5399}};
  rule.destinations = {*Cidr::parse("10.0.0.0/8")};
  rule.users = {0, 33};
  rule.marks = {{0x40}, {0x40, 0xff}};
  policy.rules = {rule};
  const std::string expected =
      "[[rule]]\nname = \"dns\"\ndestination_ports = [53, \"5300-5399\"]\ndestinations = [\"10.0.0.0/8\"]\n"
      "direction = \"any\"\ninterfaces = []\nusers = [0, 33]\nmarks = [\"0x40\", \"0x40/0xff\"]\naction = "
      "\"gate\"\nrelease = \"confirmed\"\n"
      "wait_for = \"departure\"\n";
  EXPECT_NE(to_toml(policy).find(expected), std::string::npos) << to_toml(policy);
}

TEST(RenderPolicy, RoundTripIsExactForRandomPolicies) {
  for (unsigned seed = 1; seed <= 3000; ++seed) {
    const Policy policy = Generator(seed).policy();
    const std::string text = to_toml(policy);
    const auto parsed = parse_policy(text, "policy.toml");
    ASSERT_TRUE(parsed) << "seed " << seed << '\n' << to_string(parsed.error()) << text;
    ASSERT_EQ(*parsed, policy) << "seed " << seed << '\n' << text;
  }
}

// A character deleted, changed or doubled anywhere: an error or a policy, and that policy again survives the round
// trip.
TEST(RenderPolicy, DamagedTextIsRefusedOrExact) {
  std::mt19937 random(7);
  for (unsigned seed = 1; seed <= 300; ++seed) {
    const std::string text = to_toml(Generator(seed).policy());
    for (int damage = 0; damage < 10; ++damage) {
      std::string damaged = text;
      const std::size_t at = random() % damaged.size();
      if (damage % 3 == 0) damaged.erase(at, 1);
      if (damage % 3 == 1) damaged[at] = static_cast<char>(random() % 128);
      if (damage % 3 == 2) damaged.insert(at, 1, damaged[at]);
      const auto parsed = parse_policy(damaged, "policy.toml");
      if (parsed)
        ASSERT_EQ(parse_policy(to_toml(*parsed), "again").value(), *parsed) << damaged;
      else
        ASSERT_FALSE(parsed.error().empty()) << damaged;
    }
  }
}

}  // namespace
}  // namespace ctgate

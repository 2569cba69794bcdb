// SPDX-License-Identifier: GPL-2.0-or-later
// The preload library's image: it decides as match() does, and nothing but an image is accepted.
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "policy/image/compile.hh"
#include "policy/match/match.hh"
#include "policy/toml/parse.hh"
#include "policy/toml/render.hh"

namespace ctgate {
namespace {

using image::Fault;
using Bytes = std::vector<std::byte>;

Policy policy_of(std::string_view text) {
  const auto policy = parse_policy(text, "policy.toml");
  EXPECT_TRUE(policy) << to_string(policy.error());
  return policy.value();
}

Bytes image_of(const Policy& policy) {
  auto compiled = compile_policy(policy);
  EXPECT_TRUE(compiled) << compiled.error().message;
  return std::move(compiled->image);
}

// In memory of exactly that size, so that the address sanitizer sees a read beyond the end.
struct Opened {
  explicit Opened(const Bytes& bytes) : content(std::make_unique<std::byte[]>(bytes.size())) {
    if (!bytes.empty()) std::memcpy(content.get(), bytes.data(), bytes.size());
    fault = image::View::open(content.get(), bytes.size(), view);
  }
  std::unique_ptr<std::byte[]> content;
  image::View view;
  Fault fault = Fault::none;
};

image::Destination destination(const Address& address, std::uint16_t port) {
  image::Destination to{static_cast<std::uint8_t>(address.family), port, {}};
  std::memcpy(to.address, address.bytes.data(), sizeof(to.address));
  return to;
}

image::Destination destination(std::string_view address, std::uint16_t port) {
  return destination(Address::parse(address).value(), port);
}

constexpr std::string_view sample =
    "[shim]\nmax_wait = '250ms'\nwait_for = 'delay'\nresolver = 'c-ares'\nskip_programs = ['/usr/bin/a', '/b']\n"
    "[[rule]]\nname = 'r'\ndestination_ports = [53, '5300-5399']\ndestinations = ['192.0.2.0/25', '2001:db8::/33']\n"
    "users = [33, 0]\nwait_for = 'reply'\n"
    "[[rule]]\nname = 's'\naction = 'pass'\ndestination_ports = [443]\n";

TEST(PolicyImage, HeaderHoldsTheShimsOptions) {
  const Opened opened(image_of(policy_of(sample)));
  ASSERT_EQ(opened.fault, Fault::none);
  const auto& header = opened.view.header();
  EXPECT_EQ(header.version, image::format_version);
  EXPECT_EQ(header.max_wait, 250U);
  EXPECT_EQ(header.wait_for, static_cast<std::uint8_t>(image::WaitFor::delay));
  EXPECT_EQ(header.resolver, static_cast<std::uint8_t>(image::Resolver::c_ares));
  EXPECT_EQ(header.default_action, static_cast<std::uint8_t>(image::Action::gate));
  EXPECT_TRUE(opened.view.asks_for_user());
}

TEST(PolicyImage, EmptyPolicyIsAHeaderAlone) {
  const auto bytes = image_of(Policy{});
  EXPECT_EQ(bytes.size(), sizeof(image::Header));
  const Opened opened(bytes);
  ASSERT_EQ(opened.fault, Fault::none);
  const auto decision = opened.view.decide(destination("192.0.2.1", 53), 0);
  EXPECT_EQ(decision.action, image::Action::gate);
  EXPECT_EQ(decision.wait_for, image::WaitFor::departure);
  EXPECT_FALSE(opened.view.asks_for_user());
  EXPECT_FALSE(opened.view.skips("/bin/true"));
  EXPECT_FALSE(opened.view.skips(""));
}

TEST(PolicyImage, FirstRuleThatMatchesDecides) {
  const Opened opened(image_of(policy_of(sample)));
  const auto waits_for = [&](std::string_view address, std::uint16_t port, image::User user) {
    return opened.view.decide(destination(address, port), user).wait_for;
  };
  EXPECT_EQ(waits_for("192.0.2.127", 5399, 33), image::WaitFor::reply);
  EXPECT_EQ(waits_for("2001:db8:7fff::1", 53, 0), image::WaitFor::reply);
  EXPECT_EQ(waits_for("192.0.2.128", 53, 33), image::WaitFor::delay) << "outside of the prefix";
  EXPECT_EQ(waits_for("2001:db8:8000::1", 53, 33), image::WaitFor::delay) << "outside of the prefix";
  EXPECT_EQ(waits_for("192.0.2.1", 5400, 33), image::WaitFor::delay) << "another port";
  EXPECT_EQ(waits_for("192.0.2.1", 53, 34), image::WaitFor::delay) << "another user";
  EXPECT_EQ(opened.view.decide(destination("192.0.2.1", 443), 33).action, image::Action::pass);
}

TEST(PolicyImage, SkipsWholePathsOnly) {
  const Opened opened(image_of(policy_of(sample)));
  EXPECT_TRUE(opened.view.skips("/usr/bin/a"));
  EXPECT_TRUE(opened.view.skips("/b"));
  for (const char* other : {"", "/", "/usr/bin", "/usr/bin/a/", "/usr/bin/ab", "b", "/B"})
    EXPECT_FALSE(opened.view.skips(other)) << other;
}

TEST(PolicyImage, LeavesOutWhatALocalSenderCanNotMatch) {
  const auto compiled = compile_policy(
      policy_of("[[rule]]\nname = 'f'\ndirection = 'forward'\n[[rule]]\nname = 'o'\ndirection = 'output'\n"
                "[[rule]]\nname = 'i'\ndirection = 'input'\n[[rule]]\nname = 'e'\ninterfaces = ['eth*']\n"));
  ASSERT_TRUE(compiled);
  EXPECT_EQ(compiled->rules, 1U);
  ASSERT_EQ(compiled->left_out.size(), 3U);
  EXPECT_EQ(compiled->left_out[0].name, "f");
  EXPECT_TRUE(compiled->left_out[0].why.starts_with("direction is forward"));
  EXPECT_EQ(compiled->left_out[1].name, "i");
  EXPECT_EQ(compiled->left_out[2].name, "e");
  EXPECT_TRUE(compiled->left_out[2].why.starts_with("it names interfaces"));
}

TEST(PolicyImage, PolicyOfAnImageHasTheSameImage) {
  const auto bytes = image_of(policy_of(sample));
  const Opened opened(bytes);
  const auto policy = policy_of_image(opened.view);
  EXPECT_EQ(policy.rules.at(1).name, "rule-2");
  EXPECT_EQ(image_of(policy), bytes);
  EXPECT_EQ(image_of(policy_of(shim_part_to_toml(policy))), bytes) << "what is shown is a policy with the same image";
}

// --- what does not fit ----------------------------------------------------------------------------------------------

TEST(PolicyImage, LargestImage) {
  Policy policy;
  policy.rules.emplace_back().name = "r";
  const std::size_t users = (image::largest_image - sizeof(image::Header) - sizeof(image::Rule)) / sizeof(image::User);
  policy.rules[0].users.assign(users, 7);
  const auto bytes = image_of(policy);
  EXPECT_EQ(bytes.size(), image::largest_image);
  EXPECT_EQ(Opened(bytes).fault, Fault::none);
  policy.rules[0].users.push_back(7);
  const auto compiled = compile_policy(policy);
  ASSERT_FALSE(compiled);
  EXPECT_EQ(compiled.error().code, ExitCode::usage);
  EXPECT_NE(compiled.error().message.find("at most 262144"), std::string::npos) << compiled.error().message;
}

TEST(PolicyImage, PolicyThatNoFileCanDescribeIsRefused) {
  Policy policy;
  policy.shim.max_wait = Milliseconds(0);
  EXPECT_FALSE(compile_policy(policy));
  policy.shim.max_wait = Milliseconds(10001);
  EXPECT_FALSE(compile_policy(policy));
  policy.shim.max_wait = Milliseconds(10000);
  EXPECT_TRUE(compile_policy(policy));
  policy.shim.skip_programs = {"relative"};
  EXPECT_FALSE(compile_policy(policy));
}

// --- what is refused ------------------------------------------------------------------------------------------------

// The image with `change` done to it, and a checksum that is right again.
template <typename Change>
Fault fault_after(Change change) {
  auto bytes = image_of(policy_of(sample));
  auto* header = reinterpret_cast<image::Header*>(bytes.data());
  change(*header, reinterpret_cast<image::Rule*>(header + 1));
  const std::size_t from = offsetof(image::Header, max_wait);
  header->checksum = image::checksum(bytes.data() + from, bytes.size() - from);
  return Opened(bytes).fault;
}

image::PortRange& first_port(image::Rule* rules) {
  return *reinterpret_cast<image::PortRange*>(rules + 2);
}
image::Prefix& first_prefix(image::Rule* rules) {
  return *reinterpret_cast<image::Prefix*>(&first_port(rules) + 3);
}
image::User& first_user(image::Rule* rules) {
  return *reinterpret_cast<image::User*>(&first_prefix(rules) + 2);
}
char* text(image::Rule* rules) {
  return reinterpret_cast<char*>(&first_user(rules) + 2);
}

TEST(PolicyImage, EveryTruncationIsRefused) {
  const auto bytes = image_of(policy_of(sample));
  for (std::size_t size = 0; size < bytes.size(); ++size)
    ASSERT_EQ(Opened(Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size))).fault, Fault::truncated)
        << size;
}

TEST(PolicyImage, EveryFlippedBitIsRefused) {
  const auto bytes = image_of(policy_of(sample));
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    auto flipped = bytes;
    flipped[bit / 8] ^= std::byte{1} << bit % 8;
    std::uint32_t size = 0;
    std::memcpy(&size, flipped.data() + offsetof(image::Header, size), sizeof(size));
    const auto expected = bit / 8 < sizeof(image::magic)            ? Fault::not_an_image
                          : bit / 8 < offsetof(image::Header, size) ? Fault::other_version
                          : size > bytes.size()                     ? Fault::truncated
                                                                    : Fault::damaged;
    ASSERT_EQ(Opened(flipped).fault, expected) << "bit " << bit;
  }
}

TEST(PolicyImage, BytesBehindTheEndAreRefused) {
  auto bytes = image_of(policy_of(sample));
  bytes.push_back(std::byte{0});
  EXPECT_EQ(Opened(bytes).fault, Fault::damaged);
}

TEST(PolicyImage, OtherVersionIsToldFromDamage) {
  EXPECT_EQ(fault_after([](auto& header, auto*) { header.version = image::format_version + 1; }), Fault::other_version);
  EXPECT_EQ(fault_after([](auto& header, auto*) { header.version = 0; }), Fault::other_version);
}

TEST(PolicyImage, ForeignFiles) {
  const auto fault = [](std::string_view content) {
    const auto bytes = std::as_bytes(std::span(content));
    return Opened(Bytes(bytes.begin(), bytes.end())).fault;
  };
  EXPECT_EQ(fault(""), Fault::truncated);
  EXPECT_EQ(fault("ct"), Fault::truncated);
  EXPECT_EQ(fault("version = 1\n"), Fault::not_an_image);
  EXPECT_EQ(fault(std::string(100, '\0')), Fault::not_an_image);
}

TEST(PolicyImage, AChecksumIsNoProof) {
  const auto damaged = [](auto change) { return fault_after(change) == Fault::damaged; };
  EXPECT_EQ(fault_after([](auto&, auto*) {}), Fault::none);
  EXPECT_TRUE(damaged([](auto& header, auto*) { header.max_wait = 0; }));
  EXPECT_TRUE(damaged([](auto& header, auto*) { header.max_wait = 10001; }));
  EXPECT_TRUE(damaged([](auto& header, auto*) { header.wait_for = 3; }));
  EXPECT_TRUE(damaged([](auto& header, auto*) { header.resolver = 4; }));
  EXPECT_TRUE(damaged([](auto& header, auto*) { header.default_action = 2; }));
  EXPECT_TRUE(damaged([](auto& header, auto*) { header.libc_option = 2; }));
  EXPECT_TRUE(damaged([](auto& header, auto*) { header.rules = 0xffffffff; }));
  EXPECT_TRUE(damaged([](auto& header, auto*) { header.rules = 1; }));
  EXPECT_TRUE(damaged([](auto& header, auto*) {
    header.rules = 0;
    header.text += 2 * sizeof(image::Rule);
  }));
  EXPECT_TRUE(damaged([](auto& header, auto*) { header.ports = 4, header.users = 1; }));
  EXPECT_TRUE(damaged([](auto& header, auto*) { header.text = 0xffffffff; }));
  EXPECT_TRUE(damaged([](auto&, auto* rules) { rules[0].ports = {0, 0xffffffff}; }));
  EXPECT_TRUE(damaged([](auto&, auto* rules) { rules[0].ports = {0xffffffff, 2}; }));
  EXPECT_TRUE(damaged([](auto&, auto* rules) { rules[0].ports = {0, 4}; }));
  EXPECT_TRUE(damaged([](auto&, auto* rules) { rules[1].prefixes = {1, 1}; })) << "overlap";
  EXPECT_TRUE(damaged([](auto&, auto* rules) { rules[1].users = {3, 0}; }));
  EXPECT_TRUE(damaged([](auto&, auto* rules) { rules[0].action = 2; }));
  EXPECT_TRUE(damaged([](auto&, auto* rules) { rules[0].wait_for = 3; }));
  EXPECT_TRUE(damaged([](auto&, auto* rules) { rules[1].reserved[5] = 1; }));
  EXPECT_TRUE(damaged([](auto&, auto* rules) { first_port(rules) = {2, 1}; }));
  EXPECT_TRUE(damaged([](auto&, auto* rules) { first_prefix(rules).family = 5; }));
  EXPECT_TRUE(damaged([](auto&, auto* rules) { first_prefix(rules).length = 33; }));
  EXPECT_TRUE(damaged([](auto&, auto* rules) { first_prefix(rules).network[3] = 1; })) << "host bits";
  EXPECT_TRUE(damaged([](auto&, auto* rules) { first_prefix(rules).network[15] = 1; }));
  EXPECT_TRUE(damaged([](auto&, auto* rules) { first_user(rules) = 0xffffffff; }));
  EXPECT_TRUE(damaged([](auto&, auto* rules) { text(rules)[0] = 'x'; }));
  EXPECT_TRUE(damaged([](auto&, auto* rules) { text(rules)[10] = 'x', text(rules)[13] = 'x'; })) << "no NUL at the end";
  EXPECT_TRUE(damaged([](auto&, auto* rules) { text(rules)[0] = '\0'; })) << "empty path";
}

// --- the same decisions as match() ----------------------------------------------------------------------------------

class RandomPolicy {
 public:
  explicit RandomPolicy(unsigned seed) : random_(seed) {}

  Policy policy() {
    Policy policy;
    policy.shim.wait_for = static_cast<WaitFor>(below(3));
    policy.default_action = static_cast<Action>(below(2));
    for (unsigned count = below(8); count > 0; --count) policy.rules.push_back(rule());
    return policy;
  }

  // Of a local sender, to one of few destinations, so that rules are hit.
  FlowFacts flow() {
    FlowFacts flow;
    flow.destination = address();
    flow.source = Address::parse(flow.destination.family == Family::ipv4 ? "192.0.2.1" : "2001:db8::1").value();
    flow.destination_port = port();
    flow.user = below(4);
    return flow;
  }

 private:
  unsigned below(unsigned limit) { return static_cast<unsigned>(random_() % limit); }
  std::uint16_t port() { return static_cast<std::uint16_t>(1 + below(10)); }

  // All within 160.0.0.0/6 or 2001:db8::/32, which hold nothing that is exempt.
  Address address() {
    Address address{below(2) == 0 ? Family::ipv4 : Family::ipv6, {}};
    const std::size_t size = address.family == Family::ipv4 ? 4 : 16;
    const std::uint8_t few[] = {0, 1, 0x80, 0xff};
    for (std::size_t i = 0; i < size; ++i) address.bytes[i] = few[below(4)];
    if (address.family == Family::ipv4)
      address.bytes[0] = static_cast<std::uint8_t>(160 + below(4));
    else
      std::memcpy(address.bytes.data(), "\x20\x01\x0d\xb8", 4);
    return address;
  }

  Rule rule() {
    Rule rule;
    for (unsigned count = below(3); count > 0; --count) {
      const auto first = port();
      rule.destination_ports.push_back({first, static_cast<std::uint16_t>(first + below(4))});
    }
    for (unsigned count = below(3); count > 0; --count) {
      const auto any = address();
      const unsigned bits = any.family == Family::ipv4 ? 32 : 128;
      const unsigned length = below(2) == 0 ? below(bits + 1) : below(bits == 32 ? 17 : 49);
      rule.destinations.push_back(CidrText{any, static_cast<std::uint8_t>(length)}.network());
    }
    rule.direction = below(2) == 0 ? Direction::any : static_cast<Direction>(below(4));
    if (below(5) == 0) rule.interfaces = {"eth*"};
    if (below(8) == 0) rule.marks = {{0x40, 0xff}};
    for (unsigned count = below(3); count > 0; --count) rule.users.push_back(below(4));
    rule.action = static_cast<Action>(below(2));
    rule.wait_for = static_cast<WaitFor>(below(3));
    return rule;
  }

  std::mt19937 random_;
};

TEST(PolicyImage, DecidesAsMatchDoes) {
  std::size_t by_rule = 0;
  std::size_t by_default = 0;
  for (unsigned seed = 0; seed < 4000; ++seed) {
    RandomPolicy random(seed);
    const auto policy = random.policy();
    const Opened opened(image_of(policy));
    ASSERT_EQ(opened.fault, Fault::none);
    for (int i = 0; i < 25; ++i) {
      const auto flow = random.flow();
      const auto expected = match(policy, flow);
      ASSERT_FALSE(expected.exempt);
      ++(expected.rule ? by_rule : by_default);
      const auto wait_for = expected.rule ? policy.rules[*expected.rule].wait_for : policy.shim.wait_for;
      const auto found = opened.view.decide(destination(flow.destination, flow.destination_port), *flow.user);
      ASSERT_EQ(static_cast<int>(found.action), static_cast<int>(expected.action))
          << "seed " << seed << ", to " << flow.destination.to_string() << '\n'
          << expected.why << '\n'
          << to_toml(policy);
      ASSERT_EQ(static_cast<int>(found.wait_for), static_cast<int>(wait_for)) << "seed " << seed;
    }
  }
  EXPECT_GT(by_rule, 20000U) << "the comparison says little if rules are not hit";
  EXPECT_GT(by_default, 20000U);
}

}  // namespace
}  // namespace ctgate

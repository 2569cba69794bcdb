// SPDX-License-Identifier: GPL-2.0-or-later
// Programs in other languages burst through a third party with 5 ms verdicts: damage without the preload library, none
// with it. What they send, and how, is in senders/.
#include <fmt/format.h>

#include <ostream>

#include "policy/base/find_program.hh"
#include "tests/support/shim_test.hh"

namespace ctgate::test {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t flows = 8;
constexpr std::uint32_t datagrams = 4;

struct Sender {
  std::string name;
  std::vector<std::string> command;  // its last word: a file in senders/
  std::string mode;
  bool counts_answers = true;
  std::vector<std::string> needs{};  // further programs
  bool joins = false;                // several marks may come in one datagram: it sends what it has read
};

// For the test's output.
void PrintTo(const Sender& sender, std::ostream* out) {
  *out << sender.name;
}

std::vector<Sender> all_senders() {
  std::vector<Sender> senders;
  for (const char* mode : {"connected", "unconnected", "many", "callback", "parts"}) {
    senders.push_back({fmt::format("node_{}", mode), {"/usr/bin/node", "burst.js"}, mode});
  }
  for (const char* mode : {"connected", "unconnected", "many"}) {
    senders.push_back({fmt::format("asyncio_{}", mode), {"/usr/bin/python3", "burst.py"}, mode});
  }
  for (const char* mode : {"connected", "unconnected"}) {
    senders.push_back({fmt::format("perl_{}", mode), {"/usr/bin/perl", "burst.pl"}, mode});
  }
  for (const char* mode : {"socket", "connected", "unconnected"}) {
    senders.push_back({fmt::format("java_{}", mode), {"/usr/bin/java", "-XX:-UsePerfData", "Burst.java"}, mode});
  }
  senders.push_back({"nc", {"/bin/bash", "burst.sh"}, "nc", false, {"nc", "perl"}, true});
  for (const char* mode : {"socat", "socat_connected"}) {
    senders.push_back({mode, {"/bin/bash", "burst.sh"}, mode, false, {"socat"}});
  }
  return senders;
}

class Senders : public ShimTest, public ::testing::WithParamInterface<Sender> {
 protected:
  void SetUp() override {
    const auto& sender = GetParam();
    if (!std::filesystem::exists(sender.command.front())) GTEST_SKIP() << sender.command.front() << " is not installed";
    for (const auto& need : sender.needs) {
      if (!find_program(need)) GTEST_SKIP() << need << " is not installed";
    }
    set_up_delayed_output();
  }

  // One run, and what arrived when all datagrams did, or two seconds later.
  Damage burst(bool preload) {
    auto command = GetParam().command;
    command.back() = (std::filesystem::path(COMPAT_SENDERS) / command.back()).string();
    for (const auto& word :
         {service(), std::to_string(server_port), GetParam().mode, std::to_string(flows), std::to_string(datagrams)}) {
      command.push_back(word);
    }
    result = run(command, {.preload = preload});
    (void)eventually([&] { return servers->arrivals().size() >= flows * datagrams; }, 2s);
    return take_damage();
  }

  RunResult result;
};

TEST_P(Senders, SplitWithoutAndStayWholeWith) {
  const auto damage = burst(false);
  ASSERT_EQ(result.exit_status, 0) << result.errors;
  EXPECT_GT(damage.clashes, 0U);
  EXPECT_GT(damage.arrivals.split_flows, 0U);

  const auto cured = burst(true);
  EXPECT_EQ(result.exit_status, 0);
  EXPECT_EQ(result.errors, "");
  EXPECT_EQ(cured.clashes, 0U);
  EXPECT_EQ(cured.arrivals.split_flows, 0U);
  if (!GetParam().joins) {
    EXPECT_EQ(cured.arrivals.delivered, flows * datagrams);
  }
  EXPECT_EQ(cured.arrivals.out_of_order_flows, 0U);
  if (GetParam().counts_answers) {
    EXPECT_EQ(value(result, "answered"), static_cast<long>(flows * datagrams));
  }
}

INSTANTIATE_TEST_SUITE_P(Languages, Senders, ::testing::ValuesIn(all_senders()),
                         [](const auto& sender) { return sender.param.name; });

}  // namespace
}  // namespace ctgate::test

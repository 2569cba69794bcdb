// SPDX-License-Identifier: GPL-2.0-or-later
// ctgate resolve, with names that need no server.
#include <nlohmann/json.hpp>

#include "tests/cli/command_test.hh"

namespace ctgate::test {
namespace {

class ResolveCommand : public CommandTest {
 protected:
  ResolveCommand() { setenv("XDG_RUNTIME_DIR", directory.c_str(), 1); }
  const std::string unanswerable = std::string(64, 'a');  // longer than a label may be
};

TEST_F(ResolveCommand, ShowsAddressesTimeAndWhoAnswered) {
  const auto result = run({"resolve", "localhost"});
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_TRUE(contains(result, "127.0.0.1\n") || contains(result, "::1\n")) << result.output;
  EXPECT_TRUE(contains(result, " ms, left to libc: the name is in the hosts file\n")) << result.output;
}

TEST_F(ResolveCommand, MeasuresNothingUnlessAskedTo) {
  const auto json = nlohmann::json::parse(run({"resolve", "localhost", "--json"}).output);
  EXPECT_TRUE(json.at("datagrams").is_null()) << json;
  EXPECT_FALSE(json.contains("libc")) << json;
  EXPECT_EQ(json.at("path"), "left to libc: the name is in the hosts file");
}

TEST_F(ResolveCommand, ExplainNamesThePathTheReasonAndTheDatagrams) {
  const auto result = run({"resolve", "localhost", "--explain"});
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_TRUE(contains(result, "resolver   auto (policy)\n")) << result.output;
  EXPECT_TRUE(contains(result, "path       left to libc: ")) << result.output;
  EXPECT_TRUE(contains(result, "datagrams  0\n")) << result.output;
}

// Measured, as versions don't tell: with the bug it takes 2 s.
TEST_F(ResolveCommand, ExplainSaysWhetherLibcHasItsBug30081) {
  const auto result = run({"resolve", "localhost", "--explain"});
  EXPECT_TRUE(contains(result, "bug 30081  glibc ")) << result.output;
  EXPECT_NE(contains(result, " ms: affected"), contains(result, " ms: not affected\n")) << result.output;
  const auto json = nlohmann::json::parse(run({"resolve", "localhost", "--explain", "--json"}).output);
  EXPECT_EQ(json.at("libc").at("bug_30081"), contains(result, " ms: affected"));
}

TEST_F(ResolveCommand, ExplainWithoutAResolverHasNothingToSayOfLibc) {
  const auto result = run({"resolve", "localhost", "--explain", "--policy", policy("[shim]\nresolver = \"off\"\n")});
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_FALSE(contains(result, "30081")) << result.output;
}

TEST_F(ResolveCommand, PolicyChoosesTheResolver) {
  const auto result = run({"resolve", "localhost", "--explain", "--policy", policy("[shim]\nresolver = \"libc\"\n")});
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_TRUE(contains(result, "resolver   libc (policy)\npath       resolved by libc\n")) << result.output;
}

TEST_F(ResolveCommand, CompareTakesEveryWayAndAgrees) {
  const auto result = run({"resolve", "localhost", "--compare", "--json"});
  EXPECT_EQ(result.exit_code, 0) << result.output;
  const auto list = nlohmann::json::parse(result.output);
  ASSERT_EQ(list.size(), 7U);
  for (const auto& way : list) {
    EXPECT_TRUE(way.at("error").is_null()) << way;
    EXPECT_EQ(way.at("datagrams"), 0) << way;
    EXPECT_EQ(way.at("addresses"), list[0].at("addresses")) << way;
  }
}

TEST_F(ResolveCommand, NameThatCannotBeResolvedIsAProblem) {
  const auto result = run({"resolve", unanswerable});
  EXPECT_EQ(result.exit_code, 1) << result.output;
  EXPECT_TRUE(contains(result, unanswerable + ": ")) << result.output;
}

TEST_F(ResolveCommand, WrongUse) {
  EXPECT_EQ(run({"resolve"}).exit_code, 2);
  EXPECT_EQ(run({"resolve", "localhost", "--policy", "/nonexistent"}).exit_code, 2);
  EXPECT_EQ(run({"resolve", "localhost", "--library", "/nonexistent"}).exit_code, 3);
}

}  // namespace
}  // namespace ctgate::test

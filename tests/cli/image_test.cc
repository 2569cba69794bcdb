// SPDX-License-Identifier: GPL-2.0-or-later
// ctgate policy compile, and policy show --image.
#include <fstream>
#include <iterator>

#include "tests/cli/command_test.hh"

namespace ctgate::test {
namespace {

class ImageCommand : public CommandTest {
 protected:
  static constexpr const char* three_rules =
      "[shim]\nmax_wait = '50ms'\nskip_programs = ['/opt/none']\n"
      "[[rule]]\nname = 'dns'\ndestination_ports = [53]\nusers = [33]\nwait_for = 'reply'\n"
      "[[rule]]\nname = 'routed'\ndirection = 'forward'\n"
      "[[rule]]\nname = 'lan'\ninterfaces = ['eth*']\n";

  [[nodiscard]] std::string image() const { return (directory / "made/policy.image").string(); }
  [[nodiscard]] ProgramResult compile(std::string_view text) const {
    return run({"policy", "compile", policy(text), "--output", image()});
  }
  static std::string content(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
};

TEST_F(ImageCommand, CompileSaysWhatItWroteAndWhatItLeftOut) {
  const auto result = compile(three_rules);
  EXPECT_EQ(result.exit_code, 0);
  const auto size = std::filesystem::file_size(image());
  EXPECT_EQ(result.output,
            image() + ": written from " + (directory / "policy.toml").string() + ", " + std::to_string(size) +
                " bytes, 1 rule\n"
                "left out: rule \"routed\": direction is forward, and the library sees what its own program sends\n"
                "left out: rule \"lan\": it names interfaces, and which one a datagram takes is not known to the "
                "library\n");
  EXPECT_EQ(std::filesystem::status(image()).permissions(), std::filesystem::perms(0644));
}

TEST_F(ImageCommand, ShowPrintsWhatTheImageHolds) {
  ASSERT_EQ(compile(three_rules).exit_code, 0);
  const auto shown = run({"policy", "show", "--image", image()});
  EXPECT_EQ(shown.exit_code, 0);
  EXPECT_TRUE(shown.output.starts_with("# " + image() + ": policy image, version 1, ")) << shown.output;
  for (const char* line : {"max_wait = \"50ms\"\n", "skip_programs = [\"/opt/none\"]\n", "name = \"rule-1\"\n",
                           "destination_ports = [53]\n", "users = [33]\n", "wait_for = \"reply\"\n"})
    EXPECT_TRUE(contains(shown, line)) << line << " is missing in\n" << shown.output;
  for (const char* other : {"rule-2", "forward", "max_hold", "queue"}) EXPECT_FALSE(contains(shown, other)) << other;
}

TEST_F(ImageCommand, WhatShowPrintsMakesTheSameImage) {
  ASSERT_EQ(compile(three_rules).exit_code, 0);
  const auto first = content(image());
  ASSERT_EQ(compile(run({"policy", "show", "--image", image()}).output).exit_code, 0);
  EXPECT_EQ(content(image()), first);
}

TEST_F(ImageCommand, WrongPolicyLeavesTheImage) {
  ASSERT_EQ(compile(three_rules).exit_code, 0);
  const auto first = content(image());
  const auto result = compile("[shim]\nmax_wait = 50\n");
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_TRUE(result.output.starts_with((directory / "policy.toml").string() + ":2:12: shim.max_wait: "))
      << result.output;
  EXPECT_EQ(content(image()), first);
}

TEST_F(ImageCommand, PolicyThatDoesNotFitSaysSo) {
  std::string text = "[[rule]]\nname = 'r'\nusers = [";
  for (int i = 0; i < 70000; ++i) text += "1234567,";
  const auto result = compile(text + "]\n");
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_TRUE(contains(result, "the preload library reads at most 262144")) << result.output;
  EXPECT_FALSE(std::filesystem::exists(image()));
}

TEST_F(ImageCommand, OutputThatCanNotBeWritten) {
  const auto result = run({"policy", "compile", policy(""), "--output", "/dev/null"});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_TRUE(contains(result, "cannot write the policy image /dev/null")) << result.output;
}

TEST_F(ImageCommand, CompileHelpNamesBothPlaces) {
  const auto help = run({"policy", "compile", "--help"});
  EXPECT_EQ(help.exit_code, 0);
  for (const char* path : {"/run/ctgate/policy.image", "/var/lib/ctgate/policy.image"})
    EXPECT_TRUE(contains(help, path)) << help.output;
}

TEST_F(ImageCommand, ShowRefusesWhatIsNoImage) {
  const auto show = [](const std::string& path) { return run({"policy", "show", "--image", path}); };
  const auto foreign = show(policy("version = 1\n"));
  EXPECT_EQ(foreign.exit_code, 2);
  EXPECT_TRUE(contains(foreign, "policy.toml is not a policy image")) << foreign.output;

  ASSERT_EQ(compile(three_rules).exit_code, 0);
  const auto whole = content(image());
  std::ofstream(image(), std::ios::binary) << whole.substr(0, whole.size() - 1);
  EXPECT_TRUE(contains(show(image()), "policy.image is cut off; write it again")) << show(image()).output;
  std::ofstream(image(), std::ios::binary) << whole.substr(0, whole.size() - 1) << 'x';
  EXPECT_TRUE(contains(show(image()), "policy.image is damaged; write it again")) << show(image()).output;

  const auto missing = show((directory / "missing").string());
  EXPECT_EQ(missing.exit_code, 2);
  EXPECT_TRUE(contains(missing, "missing: No such file or directory")) << missing.output;
  EXPECT_EQ(run({"policy", "show", "--json", "--image", image()}).exit_code, 2);
}

}  // namespace
}  // namespace ctgate::test

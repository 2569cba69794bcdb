// SPDX-License-Identifier: GPL-2.0-or-later
// What bash, zsh and fish offer, compared with --help: by asking the shells themselves.
#include <algorithm>
#include <functional>
#include <sstream>

#include "tests/cli/command_test.hh"
#include "tests/cli/program_help.hh"

namespace ctgate::test {
namespace {

const std::string completions = CTGATE_SOURCE_DIR "/packaging/completions";
const std::string scripts = CTGATE_SOURCE_DIR "/tests/cli";

std::vector<std::string> words_of(const std::string& line) {
  std::vector<std::string> words;
  std::istringstream stream(line);
  for (std::string word; stream >> word;) words.push_back(word);
  if (line.ends_with(' ')) words.emplace_back();
  return words;
}

struct Shell {
  std::string name;
  // The command that prints what the shell offers for a line, see tests/cli/complete.*. It may keep files in
  // `directory`.
  std::function<std::vector<std::string>(const std::string& line, const std::filesystem::path& directory)> question;
};

void PrintTo(const Shell& shell, std::ostream* out) {
  *out << shell.name;
}

std::vector<std::string> ask_bash(const std::string& line, const std::filesystem::path&) {
  std::vector<std::string> command{"bash", "--norc", scripts + "/complete.bash", completions + "/ctgate.bash"};
  const auto words = words_of(line);
  command.insert(command.end(), words.begin(), words.end());
  return command;
}

std::vector<std::string> ask_fish(const std::string& line, const std::filesystem::path&) {
  return {"fish", "--no-config", scripts + "/complete.fish", completions + "/ctgate.fish", line};
}

std::vector<std::string> ask_zsh(const std::string& line, const std::filesystem::path& directory) {
  return {"zsh", "-f", scripts + "/complete.zsh", completions, line, (directory / "zcompdump").string()};
}

class Completion : public CommandTest, public ::testing::WithParamInterface<Shell> {
 protected:
  void SetUp() override {
    const auto& shell = GetParam().name;
    const auto found = run_program({shell, "-c", "exit 0"});
    if (!found || found->exit_code != 0) GTEST_SKIP() << shell << " is not installed";
  }

  [[nodiscard]] Names offered(const std::string& line) const {
    const auto result = run_program(GetParam().question(line, directory));
    if (!result) throw std::runtime_error(result.error().message);
    EXPECT_EQ(result->exit_code, 0) << line << ":\n" << result->output;
    Names names;
    std::istringstream lines(result->output);
    for (std::string name; std::getline(lines, name);) {
      if (!name.empty()) names.insert(name);
    }
    return names;
  }
};

TEST_P(Completion, OffersTheOptionsOfEveryCommandAndNoOthers) {
  for (const auto& command : all_help()) {
    EXPECT_EQ(offered(command.name + " --"), command.options) << command.name;
  }
}

TEST_P(Completion, OffersTheSubcommandsOfEveryCommandAndNoOthers) {
  for (const auto& command : all_help()) {
    if (command.subcommands.empty()) continue;
    EXPECT_EQ(offered(command.name + " "), command.subcommands) << command.name;
  }
}

TEST_P(Completion, OffersTheWordsThatAnOptionTakes) {
  for (const auto& command : all_help()) {
    for (const auto& [option, words] : command.choices) {
      EXPECT_EQ(offered(command.name + " " + option + " "), words) << command.name << " " << option;
    }
  }
}

TEST_P(Completion, OffersFilesWhereTheyAreWanted) {
  const std::string start = scripts + "/complete.b";
  for (const char* line : {"ctgate policy check ", "ctgate policy show --image ", "ctgate run --library ",
                           "ctgate preload enable --file ", "ctgated --policy "}) {
    const auto names = offered(line + start);
    // zsh leaves the directory away.
    EXPECT_TRUE(names == Names{start + "ash"} || names == Names{"complete.bash"})
        << line << ": " << ::testing::PrintToString(names);
  }
}

TEST_P(Completion, BehindRunComesACommand) {
  for (const char* line : {"ctgate run -- ", "ctgate run ", "ctgate run --log ", "ctgate run --policy FILE -- "}) {
    EXPECT_TRUE(offered(line + std::string("mkdi")).contains("mkdir")) << line;
  }
  // Its options are its own.
  EXPECT_FALSE(offered("ctgate run -- mkdir --l").contains("--log"));
  EXPECT_FALSE(offered("ctgate run mkdir --l").contains("--log"));
}

INSTANTIATE_TEST_SUITE_P(Shells, Completion,
                         ::testing::Values(Shell{"bash", ask_bash}, Shell{"fish", ask_fish}, Shell{"zsh", ask_zsh}),
                         [](const auto& parameter) { return parameter.param.name; });

}  // namespace
}  // namespace ctgate::test

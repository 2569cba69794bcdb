// SPDX-License-Identifier: GPL-2.0-or-later
// Help, versions, and wrong command lines of both programs.
#include "tests/cli/command_test.hh"

namespace ctgate::test {
namespace {

using Words = std::vector<std::string>;

class Usage : public CommandTest {};

TEST_F(Usage, Version) {
  const auto ctgate = run({"--version"});
  EXPECT_EQ(ctgate.exit_code, 0);
  EXPECT_EQ(ctgate.output, "ctgate " CTGATE_VERSION "\n");
  const auto ctgated = run_ctgated({"--version"});
  EXPECT_EQ(ctgated.exit_code, 0);
  EXPECT_EQ(ctgated.output, "ctgated " CTGATE_VERSION "\n");
}

TEST_F(Usage, HelpNamesEveryCommandAndTheExitCodes) {
  const auto help = run({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  for (const char* word : {"status", "reload", "demo", "policy", "rules", "cleanup", "Exit codes:"}) {
    EXPECT_TRUE(contains(help, word)) << word << " is missing in\n" << help.output;
  }
}

TEST_F(Usage, EveryCommandHasHelp) {
  const std::vector<Words> commands{{"status"},          {"demo"},           {"policy"},
                                    {"policy", "check"}, {"policy", "show"}, {"policy", "match"},
                                    {"rules"},           {"rules", "print"}, {"cleanup"}};
  for (Words words : commands) {
    words.push_back("--help");
    const auto help = run(words);
    const std::string command = words.size() == 2 ? words[0] : words[0] + " " + words[1];
    EXPECT_EQ(help.exit_code, 0) << command;
    EXPECT_TRUE(contains(help, "Usage: ")) << command << ":\n" << help.output;
    EXPECT_TRUE(contains(help, command)) << help.output;
  }
}

TEST_F(Usage, HelpOfTheDaemonNamesItsOptions) {
  const auto help = run_ctgated({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  for (const char* word : {"--policy", "--netns", "--runtime-dir", "--check", "SIGHUP", "Exit codes:"}) {
    EXPECT_TRUE(contains(help, word)) << word << " is missing in\n" << help.output;
  }
}

TEST_F(Usage, HelpGoesToStandardOutputAndErrorsDoNot) {
  const auto quiet = [](const char* redirection, const char* words) {
    return run({"-c", std::string("\"$0\" ") + words + " " + redirection, CTGATE}, "/bin/sh").output;
  };
  EXPECT_NE(quiet("2>/dev/null", "--help"), "");
  EXPECT_EQ(quiet("2>/dev/null", "--nonsense"), "");
  EXPECT_EQ(quiet("2>/dev/null", "policy check /nonexistent"), "");
}

TEST_F(Usage, WrongCommandLines) {
  const std::vector<Words> lines{{},
                                 {"--nonsense"},
                                 {"nonsense"},
                                 {"policy"},
                                 {"policy", "nonsense"},
                                 {"policy", "check", "--nonsense"},
                                 {"policy", "check", "one", "two"},
                                 {"policy", "match", "192.0.2.1:1"},
                                 {"rules"},
                                 {"rules", "print", "--backend", "nonsense"},
                                 {"status", "--nonsense"},
                                 {"demo", "--nonsense"},
                                 {"cleanup", "--nonsense"}};
  for (const auto& words : lines) {
    const auto result = run(words);
    EXPECT_EQ(result.exit_code, 2) << testing::PrintToString(words) << '\n' << result.output;
    EXPECT_TRUE(contains(result, "--help")) << testing::PrintToString(words) << '\n' << result.output;
  }
  EXPECT_EQ(run_ctgated({"--nonsense"}).exit_code, 2);
  EXPECT_EQ(run_ctgated({"nonsense"}).exit_code, 2);
}

TEST_F(Usage, TheDaemonRefusesAWrongPolicyBeforeAnythingElse) {
  const auto missing = run_ctgated({"--policy", (directory / "missing.toml").string()});
  EXPECT_EQ(missing.exit_code, 2) << missing.output;
  EXPECT_TRUE(contains(missing, "missing.toml: No such file or directory")) << missing.output;
  const auto wrong = run_ctgated({"--check", "--policy", policy("[gate]\nmax_hodl = '1s'\n")});
  EXPECT_EQ(wrong.exit_code, 2) << wrong.output;
  EXPECT_TRUE(contains(wrong, "policy.toml:2:1: gate.max_hodl: unknown key; did you mean \"max_hold\"?"))
      << wrong.output;
}

TEST_F(Usage, StatusWithoutADaemon) {
  const auto result = run({"status", "--runtime-dir", directory.string()});
  EXPECT_EQ(result.exit_code, 3) << result.output;
  EXPECT_TRUE(contains(result, "ctgated is not running with this runtime directory")) << result.output;
}

}  // namespace
}  // namespace ctgate::test

// SPDX-License-Identifier: GPL-2.0-or-later
// ctgate run, with a stand-in for the library.
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

#include "tests/cli/command_test.hh"

namespace ctgate::test {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

const std::string samples = CTGATE_SAMPLES;
const std::string library = samples + "/standin/libctgate.so";

Words joined(Words front, const Words& back) {
  front.insert(front.end(), back.begin(), back.end());
  return front;
}

class RunCommand : public CommandTest {
 protected:
  // `ctgate run` with the stand-in.
  static ProgramResult run_with(const Words& words) { return run(joined({"run", "--library", library}, words)); }
  // The same with a variable in its environment.
  static ProgramResult run_under(const std::string& variable, const Words& words) {
    return run(joined({variable, CTGATE, "run", "--library", library}, words), "env");
  }
  [[nodiscard]] fs::path script(const std::string& name, const std::string& text) const {
    const auto path = directory / name;
    std::ofstream(path) << text;
    fs::permissions(path, fs::perms(0755));
    return path;
  }
};

TEST_F(RunCommand, ExitCodesAreTheCommands) {
  for (int code = 0; code < 256; ++code) {
    EXPECT_EQ(run_with({"sh", "-c", "exit " + std::to_string(code)}).exit_code, code);
  }
}

TEST_F(RunCommand, SignalsAreTheCommands) {
  for (const int signal : {SIGTERM, SIGKILL, SIGINT, SIGSEGV, SIGPIPE}) {
    const auto result = run_with({"sh", "-c", "ulimit -c 0; kill -" + std::to_string(signal) + " $$"});
    EXPECT_EQ(result.exit_code, 128 + signal) << result.output;
  }
}

TEST_F(RunCommand, WordsBehindTheCommandAreItsOwn) {
  const Words behind{"echo", "--log", "--policy", "x", "--", "--help", ""};
  EXPECT_EQ(run_with(behind).output, "--log --policy x -- --help \n");
  EXPECT_EQ(run_with(joined({"--"}, behind)).output, "--log --policy x -- --help \n");
}

TEST_F(RunCommand, CommandsThatCannotBeRun) {
  // A directory in PATH that this user may not enter would make it 126, as with env(1).
  const auto missing = run_under("PATH=/usr/bin:/bin", {"no-such-command"});
  EXPECT_EQ(missing.exit_code, 127) << missing.output;
  EXPECT_TRUE(contains(missing, "ctgate: no-such-command: No such file or directory")) << missing.output;
  EXPECT_EQ(run_with({(directory / "missing").string()}).exit_code, 127);
  EXPECT_EQ(run_with({directory.string()}).exit_code, 126);
  std::ofstream(directory / "plain") << "echo\n";
  EXPECT_EQ(run_with({(directory / "plain").string()}).exit_code, 126);
  EXPECT_EQ(run_under("PATH=/usr/bin:/bin", {"--", "--log"}).exit_code, 127);
}

TEST_F(RunCommand, WrongUsage) {
  for (const Words& words : {Words{"run"}, {"run", "--"}, {"run", "--nonsense", "true"}, {"run", "--policy"}}) {
    const auto result = run(words);
    EXPECT_EQ(result.exit_code, 2) << testing::PrintToString(words) << result.output;
    EXPECT_TRUE(contains(result, "--help")) << result.output;
  }
  const auto help = run({"run", "--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_TRUE(contains(help, "Exit codes: those of the command; 126")) << help.output;
}

TEST_F(RunCommand, TheLibraryIsInTheProcess) {
  const auto result = run_with({"cat", "/proc/self/maps"});
  EXPECT_TRUE(contains(result, library)) << result.output;
}

TEST_F(RunCommand, WhatIsPreloadedAlreadyStays) {
  const Words show{"sh", "-c", "echo $LD_PRELOAD"};
  EXPECT_EQ(run_with(show).output, library + "\n");
  EXPECT_EQ(run_under("LD_PRELOAD=libm.so.6 libdl.so.2:libpthread.so.0", show).output,
            library + ":libm.so.6:libdl.so.2:libpthread.so.0\n");
  EXPECT_EQ(run_under("LD_PRELOAD=libm.so.6:" + library, show).output, library + ":libm.so.6\n");
}

TEST_F(RunCommand, TheLibraryIsFoundBesideTheProgram) {
  for (const char* name : {"bin", "lib"}) fs::create_directory(directory / name);
  fs::copy_file(CTGATE, directory / "bin" / "ctgate");
  fs::copy_file(library, directory / "lib" / "libctgate.so");
  fs::create_symlink(directory / "bin" / "ctgate", directory / "link");
  const Words words{"run", "sh", "-c", "echo $LD_PRELOAD"};
  const std::string found = (fs::canonical(directory) / "lib" / "libctgate.so").string() + "\n";
  EXPECT_EQ(run(words, (directory / "bin" / "ctgate").string()).output, found);
  EXPECT_EQ(run(words, (directory / "link").string()).output, found);
}

TEST_F(RunCommand, LibrariesThatCannotBePreloaded) {
  EXPECT_EQ(run({"run", "--library", (directory / "missing.so").string(), "true"}).exit_code, 3);
  EXPECT_EQ(run({"run", "--library", policy(""), "true"}).exit_code, 3);
  const auto spaced = directory / "a b.so";
  fs::copy_file(library, spaced);
  const auto result = run({"run", "--library", spaced.string(), "true"});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_TRUE(contains(result, "white space")) << result.output;
}

TEST_F(RunCommand, LogIsAskedFor) {
  EXPECT_EQ(run_with({"--log", "sh", "-c", "echo $CTGATE_LOG"}).output, "1\n");
  EXPECT_EQ(run_with({"sh", "-c", "echo ${CTGATE_LOG-unset}"}).output, "unset\n");
}

TEST_F(RunCommand, PolicyIsCompiledForTheCommand) {
  const std::string runtime = "XDG_RUNTIME_DIR=" + directory.string();
  const Words show{"--policy", policy("[shim]\nmax_wait = '20ms'\n"), "sh", "-c", "printf %s $CTGATE_POLICY"};
  const auto first = run_under(runtime, show);
  ASSERT_EQ(first.exit_code, 0) << first.output;
  EXPECT_EQ(fs::path(first.output).parent_path(), directory / "ctgate");
  EXPECT_TRUE(fs::is_regular_file(first.output)) << first.output;
  EXPECT_EQ(run_under(runtime, show).output, first.output) << "the same policy, the same file";
  EXPECT_EQ(run_with({"--policy", first.output, "sh", "-c", "printf %s $CTGATE_POLICY"}).output, first.output)
      << "an image as it is";
}

TEST_F(RunCommand, AWrongPolicyRunsNothing) {
  const auto result = run_with({"--policy", policy("[gate]\nmax_hodl = '1s'\n"), "echo", "started"});
  EXPECT_EQ(result.exit_code, 2) << result.output;
  EXPECT_TRUE(contains(result, "policy.toml:2:1: gate.max_hodl: unknown key")) << result.output;
  EXPECT_FALSE(contains(result, "started")) << result.output;
}

TEST_F(RunCommand, APreparedDirectoryForPoliciesIsRefused) {
  fs::create_directory_symlink("/tmp", directory / "ctgate");
  const auto result = run_under("XDG_RUNTIME_DIR=" + directory.string(), {"--policy", policy(""), "echo", "started"});
  EXPECT_EQ(result.exit_code, 3) << result.output;
  EXPECT_TRUE(contains(result, "is not a directory")) << result.output;
}

// --- warnings -------------------------------------------------------------------------------------------------------

TEST_F(RunCommand, SaysNothingAboutOrdinaryPrograms) {
  for (const Words& words :
       {Words{samples + "/sample_dynamic"}, {"sh", "-c", ""}, {script("script", "#!/bin/sh\n").string()}}) {
    const auto result = run_with(words);
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_EQ(result.output, "") << words.front();
  }
}

TEST_F(RunCommand, WarnsOfStaticPrograms) {
  for (const char* name : {"/sample_static", "/sample_static_pie"}) {
    const auto result = run_with({samples + name});
    EXPECT_EQ(result.exit_code, 0) << "it runs all the same";
    EXPECT_TRUE(contains(result, name + std::string(" is statically linked"))) << result.output;
    EXPECT_TRUE(contains(result, "use ctgated instead\n")) << result.output;
  }
}

TEST_F(RunCommand, WarnsOfGoPrograms) {
  const auto result = run_with({samples + "/sample_go"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_TRUE(contains(result, "sample_go is a Go program")) << result.output;
}

TEST_F(RunCommand, WarnsOfWhatRunsAScript) {
  const auto plain = script("plain", "#!" + samples + "/sample_static\n");
  const auto nested = script("nested", "#!" + plain.string() + "\n");
  const auto by_env = script("by_env", "#!/usr/bin/env sample_go\n");
  EXPECT_TRUE(contains(run_with({nested.string()}), "nested (run by " + samples + "/sample_static) is statically"));
  const char* path = std::getenv("PATH");
  const auto result = run_under("PATH=" + samples + ":" + (path == nullptr ? "/bin" : path), {by_env.string()});
  EXPECT_TRUE(contains(result, "by_env (run by " + samples + "/sample_go) is a Go program")) << result.output;
}

TEST_F(RunCommand, WarnsOfPrivileges) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to give a file away";
  const auto program = directory / "sample";
  fs::copy_file(samples + "/sample_dynamic", program);
  ASSERT_EQ(::chown(program.c_str(), 65534, 65534), 0);
  ASSERT_EQ(::chmod(program.c_str(), 04755), 0);
  const auto result = run_with({program.string()});
  if (result.output.empty()) GTEST_SKIP() << "set-user-ID means nothing here (nosuid)";
  EXPECT_TRUE(contains(result, "sample gains privileges (set-user-ID)")) << result.output;
  EXPECT_TRUE(contains(result, "use `ctgate preload enable` or ctgated")) << result.output;
}

TEST_F(RunCommand, WarnsThatTheGateIsOff) {
  EXPECT_TRUE(contains(run_under("CTGATE_DISABLE=1", {"true"}), "nothing is gated"));
}

}  // namespace
}  // namespace ctgate::test

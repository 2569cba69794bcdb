// SPDX-License-Identifier: GPL-2.0-or-later
// Finding, starting and running programs.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>

#include "daemon/ctgate/run/executed_file.hh"
#include "policy/base/find_program.hh"
#include "policy/base/io.hh"
#include "policy/base/process.hh"
#include "policy/base/run_program.hh"

namespace ctgate {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

// "tool" is a directory in the first directory of PATH, not executable in the second, and a program in the third.
class SearchedPath : public ::testing::Test {
 protected:
  SearchedPath() {
    std::string name = (fs::temp_directory_path() / "ctgate-unit-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make a directory like " + name);
    directory = name;
    fs::create_directories(directory / "first" / "tool");
    file(directory / "second" / "tool", "", 0644);
    wanted = file(directory / "third" / "tool", "#!/bin/sh\necho ok\n", 0755);
    path =
        (directory / "first").string() + ":" + (directory / "second").string() + ":" + (directory / "third").string();
    ::setenv("PATH", path.c_str(), 1);
  }
  ~SearchedPath() override {
    ::setenv("PATH", before.c_str(), 1);
    std::error_code ignored;
    fs::remove_all(directory, ignored);
  }
  static fs::path file(const fs::path& path, const std::string& text, mode_t mode) {
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
    return path;
  }

  const std::string before = std::getenv("PATH");
  fs::path directory, wanted;
  std::string path;
};

TEST_F(SearchedPath, LeadsPastDirectoriesAndPlainFiles) {
  EXPECT_EQ(find_program("tool", path.c_str()), wanted);
  EXPECT_EQ(find_program("tool"), wanted);
}

TEST_F(SearchedPath, ForAProgramThatIsRun) {
  const auto result = run_program({"tool"});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->output, "ok\n");
}

TEST_F(SearchedPath, ForAProcess) {
  auto process = Process::start({.argv = {"tool"}});
  ASSERT_TRUE(process) << process.error().message;
  EXPECT_EQ(process->wait(), 0);
}

TEST_F(SearchedPath, ForTheInterpreterThatEnvRuns) {
  const auto script = file(directory / "script", "#!/usr/bin/env tool\n", 0755);
  EXPECT_EQ(preload::follow_scripts(script, path.c_str()), (std::vector<fs::path>{script, wanted, "/bin/sh"}));
}

TEST_F(SearchedPath, IsNotForNamesWithASlash) {
  EXPECT_EQ(find_program(wanted.string(), "/nonexistent"), wanted);
  EXPECT_FALSE(find_program("tool", "/nonexistent"));
  EXPECT_FALSE(find_program("", path.c_str()));
}

TEST_F(SearchedPath, HasTheWorkingDirectoryWhereItIsEmpty) {
  const auto home = fs::current_path();
  fs::current_path(directory / "third");
  for (const char* with_empty : {"", ":", ":/nonexistent", "/nonexistent:", "/nonexistent::/nonexistent"}) {
    EXPECT_EQ(find_program("tool", with_empty), fs::path("./tool")) << with_empty;
  }
  EXPECT_FALSE(find_program("tool", "/nonexistent"));
  fs::current_path(home);
}

TEST_F(SearchedPath, HasTheSystemsDirectoriesBehindIt) {
  EXPECT_TRUE(find_program("sh", nullptr));
  EXPECT_FALSE(find_program("ldconfig", path.c_str()));
  EXPECT_EQ(find_program("ldconfig"), fs::path("/usr/sbin/ldconfig"));
}

TEST_F(SearchedPath, ErrorsSayWhatKeptTheProgramFromRunning) {
  const auto message = [](const std::string& program) { return run_program({program}).error().message; };
  EXPECT_EQ(message("nothing-like-it"), "cannot run nothing-like-it: it is not in PATH, /usr/sbin or /sbin");
  EXPECT_EQ(message("/nonexistent"), "cannot run /nonexistent: No such file or directory");
  EXPECT_EQ(message(directory.string()), "cannot run " + directory.string() + ": Permission denied");
  const auto other = file(directory / "other", "neither ELF nor a script", 0755);
  EXPECT_EQ(message(other.string()), "cannot run " + other.string() + ": Exec format error");
}

TEST(RunProgram, MergesItsOutputsInOrder) {
  const auto result = run_program({"sh", "-c", "cat; echo err >&2; echo out; exit 200"}, {.input = "in\n"});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(*result, (ProgramResult{.exit_code = 200, .timed_out = false, .output = "in\nerr\nout\n", .errors = {}}));
  EXPECT_EQ(run_program({"sh", "-c", "kill -9 $$"})->exit_code, 137);
}

TEST(RunProgram, KeepsThemApart) {
  const std::vector<std::string> environment{"A=b"};
  const auto result = run_program({"/bin/sh", "-c", "echo out; echo err >&2; echo $A; exit 200"},
                                  {.environment = environment, .errors_apart = true, .limit = 10s});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(*result, (ProgramResult{.exit_code = 200, .timed_out = false, .output = "out\nb\n", .errors = "err\n"}));
}

TEST(RunProgram, KillsTheProgramWithItsChildrenAfterItsTime) {
  const auto begin = std::chrono::steady_clock::now();
  const auto result = run_program({"/bin/sh", "-c", "sleep 30 & echo $!; wait; echo late"}, {.limit = 300ms});
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->timed_out);
  EXPECT_EQ(result->exit_code, 128 + SIGKILL);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s);
  EXPECT_EQ(result->output.find("late"), std::string::npos);
  // Killed is not yet gone, and a zombie stays until the one that inherited it has reaped it.
  const auto gone = [stat = "/proc/" + std::to_string(std::stoi(result->output)) + "/stat"] {
    std::string text;
    std::getline(std::ifstream(stat), text);
    return text.empty() || text.find(") Z") != std::string::npos;
  };
  while (!gone() && std::chrono::steady_clock::now() - begin < 10s) std::this_thread::sleep_for(5ms);
  EXPECT_TRUE(gone());
}

TEST(RunProgram, KeepsLittleOfWhatOneWithALimitSays) {
  const std::string many = "head -c 100000 /dev/zero";
  EXPECT_EQ(run_program({"sh", "-c", many})->output.size(), 100'000U);
  EXPECT_EQ(run_program({"sh", "-c", many}, {.limit = 10s})->output.size(), 65'536U);
}

TEST(RunProgram, UnblocksSignals) {
  sigset_t all, before;
  sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, &before);
  const auto result = run_program({"grep", "SigBlk", "/proc/self/status"});
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  EXPECT_EQ(result->output, "SigBlk:\t0000000000000000\n");
}

// A signal that comes before the program is there would else be the caller's: what its handler writes to, both have.
TEST(RunProgram, DoesNotRunTheCallersHandlersInTheChild) {
  auto process = Process::call([] {
    static std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) return 2;
    ::signal(SIGWINCH, [](int) { [[maybe_unused]] const auto count = ::write(ends[1], "x", 1); });
    ::pthread_atfork(nullptr, nullptr, [] { ::raise(SIGWINCH); });
    const auto result = run_program({"true"});
    char byte = 0;
    return result && result->exit_code == 0 && ::read(ends[0], &byte, 1) < 0 ? 0 : 1;
  });
  EXPECT_EQ(process->wait(), 0);
}

TEST(RunProgram, KnowsHowItEndedAlsoWhereChildrenAreForgotten) {
  auto process = Process::call([] {
    ::signal(SIGCHLD, SIG_IGN);
    const auto result = run_program({"sh", "-c", "exit 3"});
    return result && ::signal(SIGCHLD, SIG_IGN) == SIG_IGN ? result->exit_code : 1;
  });
  EXPECT_EQ(process->wait(), 3);
}

// A service may have been started without them.
TEST(RunProgram, WorksWithoutStandardDescriptorsOfItsOwn) {
  auto process = Process::call([] {
    for (const int fd : {0, 1, 2}) ::close(fd);
    const auto result = run_program({"sh", "-c", "cat; echo err >&2"}, {.input = "in\n", .errors_apart = true});
    return result && result->output == "in\n" && result->errors == "err\n" ? 0 : 1;
  });
  EXPECT_EQ(process->wait(), 0);
}

TEST(Process, WaitsNoLongerThanItsLimit) {
  auto process = Process::start({.argv = {"sleep", "30"}});
  ASSERT_TRUE(process) << process.error().message;
  EXPECT_TRUE(process->running());
  EXPECT_FALSE(process->wait(20ms));
  EXPECT_EQ(process->stop(), 128 + SIGTERM);
  EXPECT_FALSE(process->running());
  EXPECT_EQ(process->wait(), 128 + SIGTERM);
}

TEST(Process, DiesWithItsOwner) {
  pid_t pid = 0;
  {
    const auto process = Process::start({.argv = {"sleep", "30"}});
    ASSERT_TRUE(process) << process.error().message;
    pid = process->pid();
  }
  EXPECT_EQ(::kill(pid, 0), -1);
}

TEST(Process, ErrorsSayWhichStepFailed) {
  const FileDescriptor no_namespace(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const auto process = Process::start({.argv = {"true"}, .network_namespace = no_namespace.get()});
  ASSERT_FALSE(process);
  EXPECT_TRUE(process.error().message.starts_with("cannot run true: enter its network namespace: "))
      << process.error().message;
}

}  // namespace
}  // namespace ctgate

// SPDX-License-Identifier: GPL-2.0-or-later
// ctgate shim status, of processes with a stand-in for the library and without.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <nlohmann/json.hpp>
#include <optional>

#include "policy/base/file_descriptor.hh"
#include "policy/base/process.hh"
#include "tests/cli/command_test.hh"

namespace ctgate::test {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

const std::string samples = CTGATE_SAMPLES;

Words joined(Words front, const Words& back) {
  front.insert(front.end(), back.begin(), back.end());
  return front;
}

// A sample program (samples/echo.cc), running: it has echoed a byte, so its constructors are done.
class RunningProgram {
 public:
  explicit RunningProgram(const Words& words) {
    std::array<int, 2> input{}, output{};
    if (::pipe2(input.data(), O_CLOEXEC) != 0 || ::pipe2(output.data(), O_CLOEXEC) != 0)
      throw std::runtime_error("pipe");
    input_ = FileDescriptor(input[1]);
    const FileDescriptor answers(output[0]);
    {
      const FileDescriptor its_input(input[0]), its_output(output[1]);
      auto process = Process::start({.argv = words, .input = its_input.get(), .output = its_output.get()});
      if (!process) throw std::runtime_error(process.error().message);
      process_ = std::move(*process);
    }
    char byte = 'x';
    if (::write(input_.get(), &byte, 1) != 1 || ::read(answers.get(), &byte, 1) != 1)
      throw std::runtime_error("no echo of " + words[0]);
  }

  [[nodiscard]] std::string pid() const { return std::to_string(process_->pid()); }

 private:
  FileDescriptor input_;
  std::optional<Process> process_;
};

class ShimStatus : public CommandTest {
 protected:
  static ProgramResult status(const std::string& pid, const Words& words = {}) {
    return run(joined({"shim", "status", pid}, words));
  }
  static RunningProgram with_library(const std::string& library, const std::string& program = "/sample_dynamic") {
    return RunningProgram({CTGATE, "run", "--library", library, samples + program});
  }
};

TEST_F(ShimStatus, OfAProcessWithTheLibrary) {
  const auto program = with_library(samples + "/standin/libctgate.so");
  const auto result = status(program.pid());
  EXPECT_EQ(result.exit_code, 0);
  for (const char* line : {"mode       active\n", "policy     environment", "flows      7\n",
                           "held       3 datagrams, 1 of them for the full max_wait\n",
                           "waited     1500 us on average, 2000 us at most\n"}) {
    EXPECT_TRUE(contains(result, line)) << line << " is missing in\n" << result.output;
  }
}

TEST_F(ShimStatus, AsJson) {
  const auto program = with_library(samples + "/standin/libctgate.so");
  const auto result = status(program.pid(), {"--json"});
  ASSERT_EQ(result.exit_code, 0) << result.output;
  const auto json = nlohmann::json::parse(result.output);
  EXPECT_EQ(json.at("loaded"), true);
  EXPECT_EQ(json.at("mode"), "active");
  EXPECT_EQ(json.at("counters").at("longest_us"), 2000);
  EXPECT_EQ(json.at("counters").at("average_us"), 1500.0);
  EXPECT_EQ(json.at("replaced"), false);
}

TEST_F(ShimStatus, AfterAnUpgradeOfTheLibrary) {
  const auto library = directory / "libctgate.so";
  fs::copy_file(samples + "/standin/libctgate.so", library);
  const auto program = with_library(library.string());
  fs::remove(library);
  const auto result = status(program.pid());
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_TRUE(contains(result, "was removed or replaced since")) << result.output;
  EXPECT_TRUE(contains(result, "flows      7\n")) << result.output;
}

TEST_F(ShimStatus, OfAnotherVersion) {
  const auto program = with_library(samples + "/newer/libctgate.so");
  const auto result = status(program.pid());
  EXPECT_EQ(result.exit_code, 0) << "it is there all the same";
  EXPECT_TRUE(contains(result, "its counters have version 2")) << result.output;
  const auto json = nlohmann::json::parse(status(program.pid(), {"--json"}).output);
  EXPECT_TRUE(json.at("counters").is_null());
}

TEST_F(ShimStatus, OfALibraryWithoutCounters) {
  const auto library = directory / "libctgate.so";
  fs::copy_file(samples + "/quiet/libctgate.so", library);
  const auto program = with_library(library.string());
  const auto result = status(program.pid());
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_TRUE(contains(result, "were not found in its memory")) << result.output;
}

TEST_F(ShimStatus, OfAProcessWithoutTheLibrary) {
  const RunningProgram program({samples + "/sample_dynamic"});
  const auto result = status(program.pid());
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_TRUE(contains(result, "it was started without `ctgate run`")) << result.output;
  const auto json = nlohmann::json::parse(status(program.pid(), {"--json"}).output);
  EXPECT_EQ(json.at("loaded"), false);
}

TEST_F(ShimStatus, SaysWhyNot) {
  for (const char* name : {"/sample_static", "/sample_static_pie"}) {
    const auto program = with_library(samples + "/standin/libctgate.so", name);
    const auto result = status(program.pid());
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_TRUE(contains(result, "statically linked")) << result.output;
  }
  const RunningProgram missing({"/usr/bin/env", "LD_PRELOAD=/nonexistent/libctgate.so", samples + "/sample_dynamic"});
  const auto result = status(missing.pid());
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_TRUE(contains(result, "ld.so could not load it")) << result.output;
}

TEST_F(ShimStatus, OfAProcessThatGainedPrivileges) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to give a file away";
  const auto file = directory / "sample";
  fs::copy_file(samples + "/sample_dynamic", file);
  fs::permissions(directory, fs::perms(0755));
  ASSERT_EQ(::chown(file.c_str(), 65534, 65534), 0);
  ASSERT_EQ(::chmod(file.c_str(), 04755), 0);
  const RunningProgram program({CTGATE, "run", "--library", samples + "/standin/libctgate.so", file.string()});
  const auto result = status(program.pid());
  if (result.exit_code == 0) GTEST_SKIP() << "set-user-ID means nothing here (nosuid)";
  EXPECT_EQ(result.exit_code, 1) << result.output;
  EXPECT_TRUE(contains(result, "AT_SECURE")) << result.output;
}

TEST_F(ShimStatus, OfNoProcess) {
  for (const char* pid : {"0", "-1", "x", "1x", "", "99999999999999", "2147483647"}) {
    EXPECT_EQ(run({"shim", "status", "--", pid}).exit_code, 2) << pid;
  }
  EXPECT_EQ(run({"shim", "status"}).exit_code, 2);
  EXPECT_EQ(run({"shim"}).exit_code, 2);
}

TEST_F(ShimStatus, OfAnotherUsersProcess) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to be somebody else";
  const auto program = with_library(samples + "/standin/libctgate.so");
  const auto result = run({"--reuid=65534", "--clear-groups", CTGATE, "shim", "status", program.pid()}, "setpriv");
  if (result.exit_code == 126 || result.exit_code == 127) GTEST_SKIP() << result.output;
  EXPECT_EQ(result.exit_code, 3) << result.output;
  EXPECT_TRUE(contains(result, "not permitted to read the memory of process")) << result.output;
  EXPECT_TRUE(contains(result, "it belongs to user 0")) << result.output;
  EXPECT_TRUE(contains(result, "run as root")) << result.output;
}

TEST_F(ShimStatus, Help) {
  const auto help = run({"shim", "status", "--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_TRUE(contains(help, "Exit codes:")) << help.output;
}

}  // namespace
}  // namespace ctgate::test

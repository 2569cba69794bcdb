// SPDX-License-Identifier: GPL-2.0-or-later
// ctgate preload: the life of a scratch ld.so.preload. Nothing here touches the system's own.
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "daemon/ctgate/preload/library.hh"
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

class PreloadCommand : public CommandTest {
 protected:
  PreloadCommand() {
    fs::permissions(directory, fs::perms(0755));
    fs::copy_file(samples + "/standin/libctgate.so", library);
    fs::permissions(library, fs::perms(0644));
  }

  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs a library of root";
  }

  [[nodiscard]] ProgramResult preload(const std::string& action, const Words& words = {}) const {
    return run(joined({"preload", action, "--file", file.string()}, words));
  }
  [[nodiscard]] ProgramResult enable() const { return preload("enable", {"--library", library.string()}); }
  [[nodiscard]] ProgramResult enable(const fs::path& with) const {
    return preload("enable", {"--library", with.string()});
  }

  [[nodiscard]] std::string text() const { return text(file); }
  [[nodiscard]] static std::string text(const fs::path& path) {
    std::ifstream stream(path);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  void write(std::string_view content) const { std::ofstream(file) << content; }
  [[nodiscard]] mode_t mode() const {
    struct stat status {};
    ::stat(file.c_str(), &status);
    return status.st_mode & 07777U;
  }
  [[nodiscard]] Words names() const {
    Words result;
    for (const auto& entry : fs::directory_iterator(directory)) result.push_back(entry.path().filename());
    std::sort(result.begin(), result.end());
    return result;
  }

  fs::path file = directory / "ld.so.preload";
  fs::path library = directory / "libctgate.so";
  std::string line = library.string() + "\n";
};

TEST_F(PreloadCommand, EnableMakesTheFileAndDisableRemovesIt) {
  const auto enabled = enable();
  ASSERT_EQ(enabled.exit_code, 0) << enabled.output;
  EXPECT_TRUE(contains(enabled, "To undo: ctgate preload disable --file " + file.string())) << enabled.output;
  EXPECT_TRUE(contains(enabled, "busybox sed")) << enabled.output;
  EXPECT_EQ(text(), line);
  EXPECT_EQ(mode(), 0644U);
  const auto disabled = preload("disable");
  EXPECT_EQ(disabled.exit_code, 0) << disabled.output;
  EXPECT_TRUE(contains(disabled, "was removed")) << disabled.output;
  EXPECT_EQ(names(), Words{"libctgate.so"}) << "nothing is left behind";
}

TEST_F(PreloadCommand, BothAreIdempotent) {
  ASSERT_EQ(enable().exit_code, 0);
  const auto again = enable();
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_TRUE(contains(again, "already")) << again.output;
  EXPECT_EQ(text(), line);
  ASSERT_EQ(preload("disable").exit_code, 0);
  const auto twice = preload("disable");
  EXPECT_EQ(twice.exit_code, 0);
  EXPECT_TRUE(contains(twice, "not enabled")) << twice.output;
}

TEST_F(PreloadCommand, ForeignTextStaysByteForByte) {
  for (const std::string foreign : {"libm.so.6\n", " \n\t\n", "libm.so.6:libdl.so.2  # why\n\n", "\n"}) {
    write(foreign);
    ASSERT_EQ(enable().exit_code, 0);
    EXPECT_EQ(text(), foreign + line);
    ASSERT_EQ(preload("disable").exit_code, 0);
    EXPECT_EQ(text(), foreign);
  }
}

TEST_F(PreloadCommand, ALastLineWithoutNewlineGetsOne) {
  write("libm.so.6 # why");
  ASSERT_EQ(enable().exit_code, 0);
  EXPECT_EQ(text(), "libm.so.6 # why\n" + line);
}

TEST_F(PreloadCommand, AnEmptyFileIsFilled) {
  write("");
  ASSERT_EQ(enable().exit_code, 0);
  EXPECT_EQ(text(), line);
}

TEST_F(PreloadCommand, SeveralOnOneLine) {
  write("libm.so.6:" + library.string() + " libdl.so.2\n");
  EXPECT_TRUE(contains(enable(), "already"));
  ASSERT_EQ(preload("disable").exit_code, 0);
  EXPECT_EQ(text(), "libm.so.6:libdl.so.2\n");
}

TEST_F(PreloadCommand, AnOlderInstallationIsReplaced) {
  write("/opt/old/libctgate.so libm.so.6\n");
  ASSERT_EQ(enable().exit_code, 0);
  EXPECT_EQ(text(), library.string() + " libm.so.6\n");
}

TEST_F(PreloadCommand, ModeIs0644UnderAnyUmask) {
  const mode_t before = ::umask(077);
  const auto result = enable();
  ::umask(before);
  ASSERT_EQ(result.exit_code, 0) << result.output;
  EXPECT_EQ(mode(), 0644U);
}

TEST_F(PreloadCommand, AWrongModeIsMended) {
  ASSERT_EQ(enable().exit_code, 0);
  ::chmod(file.c_str(), 0600);
  EXPECT_TRUE(contains(preload("status"), "not readable by all"));
  ASSERT_EQ(enable().exit_code, 0);
  EXPECT_EQ(mode(), 0644U);
}

TEST_F(PreloadCommand, WhatAnInterruptedRunLeftDoesNoHarm) {
  write("libm.so.6\n");
  const auto left = directory / "ld.so.preload.ctgate-new";
  fs::create_symlink(library, left);  // at its worst: a link to something else
  ASSERT_EQ(enable().exit_code, 0);
  EXPECT_EQ(text(), "libm.so.6\n" + line);
  EXPECT_FALSE(fs::exists(fs::symlink_status(left)));
  EXPECT_EQ(fs::file_size(library), fs::file_size(samples + "/standin/libctgate.so"));
}

TEST_F(PreloadCommand, ASymbolicLinkStays) {
  fs::create_directory(directory / "real");
  std::ofstream(directory / "real" / "list") << "libm.so.6\n";
  fs::create_symlink("real/list", file);
  ASSERT_EQ(enable().exit_code, 0);
  EXPECT_TRUE(fs::is_symlink(fs::symlink_status(file)));
  EXPECT_EQ(text(directory / "real" / "list"), "libm.so.6\n" + line);
  ASSERT_EQ(preload("disable").exit_code, 0);
  EXPECT_EQ(text(directory / "real" / "list"), "libm.so.6\n");
  std::ofstream(directory / "real" / "list") << "";
  ASSERT_EQ(enable().exit_code, 0);
  ASSERT_EQ(preload("disable").exit_code, 0);
  EXPECT_TRUE(fs::exists(file)) << "somebody wants the link to lead somewhere";
}

TEST_F(PreloadCommand, ALinkToNothingIsFollowedToo) {
  fs::create_symlink("list", file);
  ASSERT_EQ(enable().exit_code, 0);
  EXPECT_EQ(text(directory / "list"), line);
}

TEST_F(PreloadCommand, FilesThatAreNoneOfLdSos) {
  write(std::string("a\0b", 3));
  EXPECT_EQ(enable().exit_code, 1);
  fs::remove(file);
  fs::create_directory(file);
  EXPECT_EQ(enable().exit_code, 1);
  EXPECT_EQ(preload("status").exit_code, 1);
  fs::remove(file);
  file = directory / "missing" / "ld.so.preload";
  EXPECT_EQ(enable().exit_code, 3);
  EXPECT_EQ(preload("disable").exit_code, 3);
}

// --- the trial run --------------------------------------------------------------------------------------------------

class TrialRunFailure : public PreloadCommand {
 protected:
  void expect_refusal(const fs::path& with, const char* reason) const {
    write("libm.so.6\n");
    const auto result = enable(with);
    EXPECT_EQ(result.exit_code, 1) << result.output;
    EXPECT_TRUE(contains(result, reason)) << result.output;
    EXPECT_EQ(text(), "libm.so.6\n");
  }
};

TEST_F(TrialRunFailure, AConstructorThatPrints) {
  fs::copy_file(samples + "/noisy/libctgate.so", library, fs::copy_options::overwrite_existing);
  expect_refusal(library, "noise");
}

TEST_F(TrialRunFailure, AConstructorThatCrashes) {
  fs::copy_file(samples + "/crashing/libctgate.so", library, fs::copy_options::overwrite_existing);
  expect_refusal(library, "ended by signal 11");
}

TEST_F(TrialRunFailure, AnotherWordSize) {
  std::fstream stream(library, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekp(4);  // EI_CLASS
  stream.put(sizeof(void*) == 8 ? '\1' : '\2');
  stream.close();
  expect_refusal(library, "cannot be preloaded (wrong ELF class");
}

TEST_F(TrialRunFailure, NoLibrary) {
  expect_refusal(directory / "missing.so", "no such library");
  expect_refusal(policy("text"), "is not a shared library");
}

TEST_F(TrialRunFailure, ALibraryThatOthersCanReplace) {
  ::chmod(library.c_str(), 0666);
  expect_refusal(library, "is writable by everybody (mode 0666)");
  ::chmod(library.c_str(), 0644);
  ::chmod(directory.c_str(), 0777);
  expect_refusal(library, "is writable by everybody (mode 0777)");
  ::chmod(directory.c_str(), 0755);
  ASSERT_EQ(::chown(library.c_str(), 65534, 65534), 0);
  expect_refusal(library, "belongs to user 65534");
}

// --- $LIB -----------------------------------------------------------------------------------------------------------

TEST_F(PreloadCommand, BothWordSizesAreWrittenWithLib) {
  const auto own = preload::own_loader();
  const auto opened = preload::open_library(library);
  ASSERT_TRUE(own && opened);
  const auto own_token = preload::lib_token(*own);
  const auto other_token = opened->other_loader ? preload::lib_token(*opened->other_loader) : std::nullopt;
  if (!own_token || !other_token) GTEST_SKIP() << "no loader for another word size here";
  const auto wide = directory / *own_token / "libctgate.so";
  const auto narrow = directory / *other_token / "libctgate.so";
  for (const auto& path : {wide, narrow}) {
    fs::create_directories(path.parent_path());
    fs::copy_file(library, path);
  }
  ASSERT_EQ(enable(wide).exit_code, 0);
  EXPECT_EQ(text(), wide.string() + "\n") << "the other one is of the same word size";

  std::fstream stream(narrow, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekp(4);  // EI_CLASS
  stream.put('\1');
  stream.close();
  ASSERT_EQ(enable(wide).exit_code, 0);
  EXPECT_EQ(text(), (directory / "$LIB" / "libctgate.so").string() + "\n");
  const auto status = preload("status");
  EXPECT_EQ(status.exit_code, 0) << status.output;
  ASSERT_EQ(preload("disable").exit_code, 0);
  EXPECT_FALSE(fs::exists(file));
}

// --- status ---------------------------------------------------------------------------------------------------------

TEST_F(PreloadCommand, StatusOfNothing) {
  const auto result = preload("status");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_TRUE(contains(result, "not enabled")) << result.output;
}

TEST_F(PreloadCommand, StatusAsJson) {
  write("libm.so.6\n");
  ASSERT_EQ(enable().exit_code, 0);
  const auto result = preload("status", {"--json"});
  EXPECT_EQ(result.exit_code, 0) << result.output;
  const auto json = nlohmann::json::parse(result.output);
  EXPECT_EQ(json.at("enabled"), true);
  EXPECT_EQ(json.at("libraries"), nlohmann::json({library.string()}));
  EXPECT_EQ(json.at("foreign"), nlohmann::json({"libm.so.6"}));
  EXPECT_TRUE(json.at("problems").empty());
}

TEST_F(PreloadCommand, StatusNamesProblems) {
  const auto problem = [this](std::string_view content, mode_t with_mode = 0644) {
    write(content);
    ::chmod(file.c_str(), with_mode);
    const auto result = preload("status");
    EXPECT_EQ(result.exit_code, 1) << result.output;
    return result.output;
  };
  const auto says = [](const std::string& output, const char* words) {
    EXPECT_NE(output.find(words), std::string::npos) << output;
  };
  says(problem("/nonexistent/libctgate.so\n"), "/nonexistent/libctgate.so does not exist");
  says(problem("/nonexistent/foreign.so\n"), "/nonexistent/foreign.so does not exist");
  says(problem(line + line), "is listed more than once");
  says(problem(line, 0666), "writable by users other than root");
  says(problem(line + "# one\n# two\n# three\n"), "reads comments as names of libraries");
  ::chmod(library.c_str(), 0666);
  says(problem(line), "libctgate.so is writable by everybody");
}

TEST_F(PreloadCommand, HelpAndWrongUsage) {
  for (const char* action : {"enable", "disable", "status"}) {
    const auto help = preload(action, {"--help"});
    EXPECT_EQ(help.exit_code, 0);
    EXPECT_TRUE(contains(help, "Exit codes:")) << help.output;
    EXPECT_EQ(preload(action, {"--nonsense"}).exit_code, 2);
  }
  EXPECT_EQ(run({"preload"}).exit_code, 2);
}

}  // namespace
}  // namespace ctgate::test

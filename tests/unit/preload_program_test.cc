// SPDX-License-Identifier: GPL-2.0-or-later
// Which file the kernel executes for a program, and what is said about it.
#include <elf.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include "daemon/ctgate/preload/library.hh"
#include "daemon/ctgate/preload/trial_run.hh"
#include "daemon/ctgate/run/executed_file.hh"
#include "daemon/ctgate/run/obstacles.hh"

namespace ctgate::preload {
namespace {

namespace fs = std::filesystem;

class ExecutedFile : public ::testing::Test {
 protected:
  ExecutedFile() {
    std::string name = (fs::temp_directory_path() / "ctgate-unit-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make a directory like " + name);
    directory = name;
  }
  ~ExecutedFile() override {
    std::error_code ignored;
    fs::remove_all(directory, ignored);
  }

  [[nodiscard]] fs::path file(const std::string& name, const std::string& text, mode_t mode = 0755) const {
    const auto path = directory / name;
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
    return path;
  }

  fs::path directory;
};

TEST(ScriptLine, AsTheKernelReadsIt) {
  EXPECT_EQ(parse_script_line("#!/bin/sh\n"), (ScriptLine{"/bin/sh", ""}));
  EXPECT_EQ(parse_script_line("#! \t/bin/sh  -e -x \nrest"), (ScriptLine{"/bin/sh", "-e -x"}));
  EXPECT_EQ(parse_script_line("#!/bin/sh"), (ScriptLine{"/bin/sh", ""}));
  EXPECT_EQ(parse_script_line("#!/bin/sh\r\n"), (ScriptLine{"/bin/sh\r", ""}));
  EXPECT_FALSE(parse_script_line("#!\n/bin/sh"));
  EXPECT_FALSE(parse_script_line("#!  "));
  EXPECT_FALSE(parse_script_line("# !/bin/sh"));
  EXPECT_FALSE(parse_script_line(""));
  EXPECT_FALSE(parse_script_line("#!/" + std::string(300, 'x') + "\n"));
  EXPECT_EQ(parse_script_line("#!/bin/sh " + std::string(300, 'x'))->interpreter, "/bin/sh");
}

TEST(EnvProgram, FromItsArgument) {
  EXPECT_EQ(env_program("python3"), "python3");
  EXPECT_EQ(env_program("-S python3 -u"), "python3");
  EXPECT_EQ(env_program("-S -i A=b -u HOME -C /tmp bash -e"), "bash");
  EXPECT_EQ(env_program("-Spython3"), "python3");
  EXPECT_EQ(env_program("--split-string=A=b ruby"), "ruby");
  EXPECT_EQ(env_program(""), "");
  EXPECT_EQ(env_program("-i"), "");
  EXPECT_EQ(env_program("-S"), "");
}

TEST_F(ExecutedFile, FollowsInterpreters) {
  const auto inner = file("inner", "#!/bin/sh\n");
  const auto outer = file("outer", "#!" + inner.string() + " -x\n");
  EXPECT_EQ(follow_scripts(outer, nullptr), (std::vector<fs::path>{outer, inner, "/bin/sh"}));
  const auto by_env = file("by_env", "#!/usr/bin/env inner\n");
  EXPECT_EQ(follow_scripts(by_env, directory.c_str()), (std::vector<fs::path>{by_env, inner, "/bin/sh"}));
  const auto plain = file("plain", "echo hello\n");
  EXPECT_EQ(follow_scripts(plain, nullptr), (std::vector<fs::path>{plain, "/bin/sh"}));
}

TEST_F(ExecutedFile, EndsWithALoop) {
  const auto loop = directory / "loop";
  EXPECT_EQ(follow_scripts(file("loop", "#!" + loop.string() + "\n"), nullptr).size(), 6U);
}

TEST_F(ExecutedFile, AScriptIsNamedWithWhatRunsIt) {
  const auto script = file("script", "#!/bin/sh\n");
  const auto program = examine_program(script, nullptr);
  EXPECT_EQ(program.name, script.string() + " (run by /bin/sh)");
  EXPECT_TRUE(program.elf);
}

TEST_F(ExecutedFile, PrivilegesThatTheCallerLacks) {
  const auto other = file("other", "x", 0755);
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to give a file away";
  EXPECT_EQ(examine_program(other, nullptr).privileges, "");
  ASSERT_EQ(::chown(other.c_str(), 65534, 65534), 0);
  const auto elf = file("elf", "");
  fs::copy_file("/proc/self/exe", elf, fs::copy_options::overwrite_existing);
  const auto privileges = [&](mode_t mode, uid_t user, gid_t group) {
    EXPECT_EQ(::chown(elf.c_str(), user, group), 0);
    EXPECT_EQ(::chmod(elf.c_str(), mode), 0);
    return examine_program(elf, nullptr).privileges;
  };
  if (privileges(04755, 65534, 0).empty()) GTEST_SKIP() << "set-user-ID means nothing here (nosuid)";
  EXPECT_EQ(privileges(04755, 65534, 0), "set-user-ID");
  EXPECT_EQ(privileges(02755, 0, 65534), "set-group-ID");
  EXPECT_EQ(privileges(02745, 0, 65534), "") << "without x for the group it is no privilege";
  EXPECT_EQ(privileges(04755, 0, 0), "") << "root gains nothing from root";
}

class Obstacles : public ::testing::Test {
 protected:
  Library library{.path = "/l/libctgate.so",
                  .kind = {true, false, EM_X86_64},
                  .word = "/l/libctgate.so",
                  .other_loader = {},
                  .other_path = {},
                  .other_kind = {}};
  Program program{.name = "prog",
                  .elf = ElfFile{.kind = library.kind, .type = ET_DYN, .interpreter = "/lib64/ld-linux-x86-64.so.2"},
                  .privileges = {}};

  [[nodiscard]] bool only(std::string_view start) const {
    const auto lines = obstacles(program, library);
    return lines.size() == 1 && lines[0].starts_with(start);
  }
};

TEST_F(Obstacles, None) {
  EXPECT_TRUE(obstacles(program, library).empty());
  program.elf.reset();
  EXPECT_TRUE(obstacles(program, library).empty());
}

TEST_F(Obstacles, StaticAndGo) {
  program.elf->interpreter.clear();
  EXPECT_TRUE(only("prog is statically linked"));
  program.elf->go = true;
  EXPECT_TRUE(only("prog is a Go program"));
  program.elf->interpreter = "/lib64/ld-linux-x86-64.so.2";
  EXPECT_TRUE(only("prog is a Go program"));
}

TEST_F(Obstacles, Privileges) {
  program.privileges = "set-user-ID";
  EXPECT_TRUE(only("prog gains privileges (set-user-ID), so ld.so ignores LD_PRELOAD"));
  program.elf.reset();  // unreadable for this user, as set-user-ID programs often are
  EXPECT_TRUE(only("prog gains privileges"));
}

TEST_F(Obstacles, AnotherMachine) {
  program.elf->kind = {false, false, EM_386};
  EXPECT_TRUE(only("prog is a 32-bit x86 program and /l/libctgate.so a 64-bit x86-64 library"));
  library.other_kind = program.elf->kind;
  EXPECT_TRUE(obstacles(program, library).empty()) << "$LIB leads it to the other one";
}

TEST_F(Obstacles, AnotherLibc) {
  program.elf->interpreter = "/lib/ld-musl-x86_64.so.1";
  EXPECT_TRUE(only("prog runs on another C library (musl)"));
  EXPECT_EQ(foreign_libc("/system/bin/linker64"), "/system/bin/linker64");
  for (const char* loader :
       {"/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux.so.2", "/lib64/ld64.so.2", "/lib/ld.so.1", "/x/ld-2.31.so"}) {
    EXPECT_FALSE(foreign_libc(loader)) << loader;
  }
}

TEST(LibToken, MakesTheWord) {
  EXPECT_EQ(with_lib_token("/usr/lib64/x.so", "lib64"), "/usr/$LIB/x.so");
  EXPECT_EQ(with_lib_token("/opt/p/lib/x86_64-linux-gnu/x.so", "lib/x86_64-linux-gnu"), "/opt/p/$LIB/x.so");
  EXPECT_FALSE(with_lib_token("/usr/lib/x.so", "lib64"));
  EXPECT_FALSE(with_lib_token("/usr/mylib64/x.so", "lib64"));
  EXPECT_FALSE(with_lib_token("/usr/lib/x.so", ""));
  EXPECT_EQ(expand_lib_token("/usr/$LIB/x.so", "lib64"), "/usr/lib64/x.so");
  EXPECT_EQ(expand_lib_token("/${LIB}/$LIB", "a"), "/a/a");
  EXPECT_EQ(expand_lib_token("/$LIB", "$LIB"), "/$LIB");
}

TEST(LibToken, OfThisSystem) {
  const auto loader = own_loader();
  ASSERT_TRUE(loader);
  const auto token = lib_token(*loader);
  if (!token) GTEST_SKIP() << "a loader without --list-diagnostics";
  EXPECT_TRUE(token->starts_with("lib")) << *token;
  EXPECT_FALSE(lib_token("/bin/true"));
}

TEST(TrialRun, HasAStaticProgramAndTheResolver) {
  const auto trial = standard_trial();
  EXPECT_EQ(trial.programs.size() + trial.left_out.size(), 4U);
  EXPECT_GE(trial.programs.size(), 2U);
}

TEST(TrialRun, AProgramThatHangsFails) {
  const auto result = run_trial({{"a hang", {"/bin/sh", "-c", "sleep 30"}}}, "", std::chrono::milliseconds(200));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ExitCode::problem);
  EXPECT_NE(result.error().message.find("did not end within 200 ms"), std::string::npos) << result.error().message;
}

TEST(TrialRun, LdSoComplaintFails) {
  const auto result = run_trial({{"true", {"/bin/true"}}}, "/nonexistent/libctgate.so");
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message.find("cannot be preloaded"), std::string::npos) << result.error().message;
}

}  // namespace
}  // namespace ctgate::preload

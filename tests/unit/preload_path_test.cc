// SPDX-License-Identifier: GPL-2.0-or-later
// Files and directories that are trusted or not: the library's, and the directory of compiled policies.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include "daemon/ctgate/preload/trusted_path.hh"
#include "daemon/ctgate/run/policy_store.hh"

namespace ctgate::preload {
namespace {

namespace fs = std::filesystem;

class Paths : public ::testing::Test {
 protected:
  Paths() {
    std::string name = (fs::temp_directory_path() / "ctgate-unit-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make a directory like " + name);
    directory = fs::canonical(name);
    fs::create_directory(directory / "lib");
    library = directory / "lib" / "x.so";
    std::ofstream(library) << "x";
    ::chmod(library.c_str(), 0644);
    ::chmod((directory / "lib").c_str(), 0755);
  }
  ~Paths() override {
    std::error_code ignored;
    fs::remove_all(directory, ignored);
  }

  // What is wrong, or "".
  static std::string distrust(const fs::path& path) {
    const auto result = only_root_can_replace(path);
    if (!result) {
      EXPECT_EQ(result.error().code, ExitCode::problem);
    }
    return result ? "" : result.error().message;
  }

  fs::path directory;
  fs::path library;
};

class TrustedPath : public Paths {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs files of root";
  }
};

TEST_F(TrustedPath, OfRootAlone) {
  EXPECT_EQ(distrust(library), "");
  EXPECT_EQ(distrust(directory / "." / "lib" / ".." / "lib" / "x.so"), "");
}

TEST_F(TrustedPath, ModesOfTheFileAndItsDirectories) {
  ::chmod(library.c_str(), 0666);
  EXPECT_NE(distrust(library).find("writable by everybody"), std::string::npos) << distrust(library);
  ::chmod(library.c_str(), 0644);
  ::chmod((directory / "lib").c_str(), 0757);
  EXPECT_NE(distrust(library).find("lib is writable by everybody"), std::string::npos) << distrust(library);
  ::chmod((directory / "lib").c_str(), 01777);
  EXPECT_EQ(distrust(library), "") << "a sticky directory";
}

TEST_F(TrustedPath, Groups) {
  ::chmod(library.c_str(), 0664);
  EXPECT_EQ(distrust(library), "") << "root's group";
  ASSERT_EQ(::chown(library.c_str(), 0, 65534), 0);
  EXPECT_NE(distrust(library).find("writable by group 65534"), std::string::npos) << distrust(library);
}

TEST_F(TrustedPath, Owners) {
  ASSERT_EQ(::chown(library.c_str(), 65534, 0), 0);
  EXPECT_NE(distrust(library).find("belongs to user 65534"), std::string::npos) << distrust(library);
  ASSERT_EQ(::chown(library.c_str(), 0, 0), 0);
  ASSERT_EQ(::chown(directory.c_str(), 65534, 0), 0);
  EXPECT_NE(distrust(library).find("belongs to user 65534"), std::string::npos) << distrust(library);
}

TEST_F(TrustedPath, LinksAndWhereTheyLead) {
  fs::create_directory_symlink("lib", directory / "link");
  EXPECT_EQ(distrust(directory / "link" / "x.so"), "");
  fs::create_symlink(library, directory / "x.so");
  EXPECT_EQ(distrust(directory / "x.so"), "");
  ::chmod((directory / "lib").c_str(), 0757);
  EXPECT_NE(distrust(directory / "link" / "x.so"), "");
  EXPECT_NE(distrust(directory / "x.so"), "");
  ::chmod((directory / "lib").c_str(), 0755);
  ASSERT_EQ(::lchown((directory / "x.so").c_str(), 65534, 65534), 0);
  EXPECT_NE(distrust(directory / "x.so"), "") << "its owner may turn the link elsewhere";
}

TEST_F(TrustedPath, WhatIsNoLibrary) {
  EXPECT_NE(distrust("lib/x.so"), "");
  EXPECT_NE(distrust(directory), "");
  EXPECT_NE(distrust(directory / "missing.so"), "");
  fs::create_symlink("loop", directory / "loop");
  EXPECT_NE(distrust(directory / "loop"), "");
}

class PolicyStore : public Paths {
 protected:
  PolicyStore() {
    const char* present = std::getenv("XDG_RUNTIME_DIR");
    if (present != nullptr) before = present;
    ::setenv("XDG_RUNTIME_DIR", directory.c_str(), 1);
  }
  ~PolicyStore() override {
    before.empty() ? ::unsetenv("XDG_RUNTIME_DIR") : ::setenv("XDG_RUNTIME_DIR", before.c_str(), 1);
  }
  std::string before;
};

TEST_F(PolicyStore, MakesAPrivateDirectory) {
  const mode_t mask = ::umask(0);
  const auto made = private_directory();
  ::umask(mask);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(*made, directory / "ctgate");
  EXPECT_EQ(fs::status(*made).permissions(), fs::perms::owner_all);
  EXPECT_TRUE(private_directory()) << "again";
}

TEST_F(PolicyStore, RefusesWhatOthersCouldHavePrepared) {
  fs::create_directory_symlink("lib", directory / "ctgate");
  EXPECT_FALSE(private_directory()) << "a link";
  fs::remove(directory / "ctgate");
  std::ofstream(directory / "ctgate") << "x";
  EXPECT_FALSE(private_directory()) << "a file";
  fs::remove(directory / "ctgate");
  fs::create_directory(directory / "ctgate");
  ::chmod((directory / "ctgate").c_str(), 0755);
  EXPECT_FALSE(private_directory()) << "open to others";
  ::chmod((directory / "ctgate").c_str(), 0700);
  EXPECT_TRUE(private_directory());
  if (::geteuid() != 0) return;
  ASSERT_EQ(::chown((directory / "ctgate").c_str(), 65534, 65534), 0);
  EXPECT_FALSE(private_directory()) << "another user's";
}

TEST_F(PolicyStore, OneFileForOneContent) {
  const auto policy = directory / "policy.toml";
  std::ofstream(policy) << "[shim]\nmax_wait = '20ms'\n";
  const auto first = image_of(policy.string());
  ASSERT_TRUE(first) << first.error().message;
  const auto written = fs::last_write_time(*first);
  EXPECT_EQ(image_of(policy.string()).value(), *first);
  EXPECT_EQ(fs::last_write_time(*first), written);
  EXPECT_EQ(image_of(first->string()).value(), *first) << "an image is used as it is";
  std::ofstream(policy) << "[shim]\nmax_wait = '30ms'\n";
  EXPECT_NE(image_of(policy.string()).value(), *first);
}

TEST_F(PolicyStore, WrongFiles) {
  const auto code = [](const fs::path& file) {
    const auto result = image_of(file.string());
    return result ? ExitCode::ok : result.error().code;
  };
  EXPECT_EQ(code(directory / "missing.toml"), ExitCode::usage);
  const auto policy = directory / "policy.toml";
  std::ofstream(policy) << "nonsense";
  EXPECT_EQ(code(policy), ExitCode::usage);
  std::ofstream(policy, std::ios::binary) << "ctgate\x1a\nbut no more";
  EXPECT_EQ(code(policy), ExitCode::usage);
}

}  // namespace
}  // namespace ctgate::preload

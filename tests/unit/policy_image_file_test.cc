// SPDX-License-Identifier: GPL-2.0-or-later
// Image files: what other programs see of a write, and what a failed one leaves behind.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "policy/image/compile.hh"
#include "policy/image/image_file.hh"

namespace ctgate {
namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<std::byte>;

class PolicyImageFile : public ::testing::Test {
 protected:
  PolicyImageFile() {
    std::string name = (fs::temp_directory_path() / "ctgate-image-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make a directory like " + name);
    directory = fs::canonical(name);
  }
  ~PolicyImageFile() override {
    std::error_code ignored;
    fs::remove_all(directory, ignored);
  }

  [[nodiscard]] std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(directory)) names.push_back(entry.path().filename());
    return names;
  }
  static mode_t mode(const fs::path& path) {
    struct stat status {};
    return stat(path.c_str(), &status) == 0 ? status.st_mode & 07777U : 0;
  }

  fs::path directory;
  const Bytes image = compile_policy(Policy{}).value().image;
  const Bytes other = Bytes(1000, std::byte{7});
};

TEST_F(PolicyImageFile, IsReadBackAsItWasWritten) {
  ASSERT_TRUE(write_image(directory / "image", image));
  EXPECT_EQ(read_image(directory / "image").value(), image);
  EXPECT_EQ(files(), std::vector<std::string>{"image"});
}

TEST_F(PolicyImageFile, EverybodyMayReadItAndItsNewDirectoriesWhateverTheUmaskIs) {
  const auto path = directory / "a/b/image";
  for (const mode_t mask : {0077U, 0777U, 0000U}) {
    fs::remove_all(directory / "a");
    const mode_t before = umask(mask);
    const auto written = write_image(path, image);
    umask(before);
    ASSERT_TRUE(written) << written.error().message;
    EXPECT_EQ(mode(path), 0644U);
    EXPECT_EQ(mode(directory / "a/b"), 0755U);
    EXPECT_EQ(mode(directory / "a"), 0755U);
  }
}

TEST_F(PolicyImageFile, DirectoryThatExistsKeepsItsMode) {
  fs::permissions(directory, fs::perms(0700));
  ASSERT_TRUE(write_image(directory / "image", image));
  EXPECT_EQ(mode(directory), 0700U);
}

TEST_F(PolicyImageFile, ReplacingLeavesTheOldOneToThoseWhoHaveIt) {
  const auto path = directory / "image";
  ASSERT_TRUE(write_image(path, image));
  fs::permissions(path, fs::perms(0600));
  std::ifstream old(path, std::ios::binary);
  ASSERT_TRUE(write_image(path, other));
  EXPECT_EQ(read_image(path).value(), other);
  EXPECT_EQ(mode(path), 0644U);
  const std::string content((std::istreambuf_iterator<char>(old)), {});
  EXPECT_EQ(content.size(), image.size());
  EXPECT_EQ(files(), std::vector<std::string>{"image"});
}

TEST_F(PolicyImageFile, RelativePath) {
  const auto before = fs::current_path();
  fs::current_path(directory);
  const auto written = write_image("image", image);
  fs::current_path(before);
  EXPECT_TRUE(written);
  EXPECT_EQ(files(), std::vector<std::string>{"image"});
}

TEST_F(PolicyImageFile, WhatIsNoRegularFileIsNotReplaced) {
  const auto expect_refused = [&](const fs::path& path) {
    const auto written = write_image(path, image);
    ASSERT_FALSE(written) << path;
    EXPECT_EQ(written.error().code, ExitCode::system);
    EXPECT_NE(written.error().message.find("not a regular file"), std::string::npos) << written.error().message;
  };
  fs::create_directory(directory / "directory");
  fs::create_symlink("target", directory / "link");
  expect_refused(directory / "directory");
  expect_refused(directory / "link");
  expect_refused("/dev/null");
  EXPECT_FALSE(fs::exists(directory / "target"));
  EXPECT_TRUE(fs::is_symlink(directory / "link"));
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

TEST_F(PolicyImageFile, DirectoryThatCanNotBeMade) {
  std::ofstream(directory / "file") << "x";
  const auto written = write_image(directory / "file/below/image", image);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ExitCode::system);
  EXPECT_NE(written.error().message.find("Not a directory"), std::string::npos) << written.error().message;
}

// The write fails in the middle, as on a full disk.
TEST_F(PolicyImageFile, FailedWriteLeavesTheOldImageAndNothingElse) {
  const auto path = directory / "image";
  ASSERT_TRUE(write_image(path, image));
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{100, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const auto written = write_image(path, other);
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  ASSERT_FALSE(written);
  EXPECT_NE(written.error().message.find("File too large"), std::string::npos) << written.error().message;
  EXPECT_EQ(read_image(path).value(), image);
  EXPECT_EQ(files(), std::vector<std::string>{"image"});
}

TEST_F(PolicyImageFile, ReadingSaysWhatIsWrong) {
  EXPECT_EQ(read_image(directory / "missing").error().code, ExitCode::usage);
  EXPECT_NE(read_image(directory).error().message.find("Is a directory"), std::string::npos);
  ASSERT_TRUE(write_image(directory / "huge", Bytes(image::largest_image + 1)));
  EXPECT_NE(read_image(directory / "huge").error().message.find("larger than 262144 bytes"), std::string::npos);
}

TEST_F(PolicyImageFile, LinksToSkippedProgramsAreFollowed) {
  std::ofstream(directory / "program") << "x";
  fs::create_symlink("program", directory / "link");
  const std::string link = directory / "link";
  const std::string program = directory / "program";
  Policy policy;
  policy.shim.skip_programs = {link, "/nonexistent/program"};
  const auto resolved = with_resolved_programs(with_resolved_programs(policy));
  EXPECT_EQ(resolved.shim.skip_programs, (std::vector<std::string>{link, "/nonexistent/program", program}));
}

}  // namespace
}  // namespace ctgate

// SPDX-License-Identifier: GPL-2.0-or-later
// Fixture of the command-line tests: runs the commands as a person would, without privileges.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "policy/base/run_program.hh"

namespace ctgate::test {

// CTGATE and CTGATED are the paths of the programs; the build defines them.
class CommandTest : public ::testing::Test {
 protected:
  CommandTest() {
    std::string name = (std::filesystem::temp_directory_path() / "ctgate-cli-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make a directory like " + name);
    directory = name;
  }
  ~CommandTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(directory, ignored);
  }

  // Exit code, and standard output and error together.
  [[nodiscard]] static ProgramResult run(std::vector<std::string> words, std::string program = CTGATE) {
    words.insert(words.begin(), std::move(program));
    auto result = run_program(words);
    if (!result) throw std::runtime_error(result.error().message);
    return *result;
  }
  [[nodiscard]] static ProgramResult run_ctgated(std::vector<std::string> words) {
    return run(std::move(words), CTGATED);
  }

  // The path of a new policy file with this text.
  [[nodiscard]] std::string policy(std::string_view text) const {
    const auto path = directory / "policy.toml";
    std::ofstream(path) << text;
    return path.string();
  }

  std::filesystem::path directory;  // this test's own; removed with it
};

[[nodiscard]] inline bool contains(const ProgramResult& result, std::string_view text) {
  return result.output.find(text) != std::string::npos;
}

}  // namespace ctgate::test

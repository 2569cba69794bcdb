// SPDX-License-Identifier: GPL-2.0-or-later
// Programs nobody here wrote, first without the preload library and then with it in /etc/ld.so.preload: stdout, stderr
// and exit code are the same. Each case is a script in programs/; its comment says what it shows, and
//
//   # needs: PROGRAM|FILE...   what must be installed, else the case is skipped
//   # limit: SECONDS        for one run, 30 if not given
//   # unstable                 runs differ by chance now and then: a difference counts if it comes twice in a row
//
// A script that cannot work on this machine exits with 77 and says why as the last line on stderr; the case is skipped.
// If the run without the library exits with any other code than 0, the case fails. With CTGATE_COMPAT_SHOW=1 in the
// environment the tests print what the scripts print.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "tests/compat/private_system.hh"

namespace ctgate::test {
namespace {

namespace fs = std::filesystem;

constexpr int cannot_work_here = 77;

struct Case {
  std::vector<std::string> needs;
  std::chrono::seconds limit{30};
  bool unstable = false;
};

Case read_case(const fs::path& script) {
  Case result;
  std::ifstream file(script);
  for (std::string line; std::getline(file, line) && line.starts_with("#");) {
    std::istringstream words(line.substr(1));
    std::string key;
    words >> key;
    if (key == "needs:") {
      for (std::string word; words >> word;) result.needs.push_back(word);
    } else if (key == "limit:") {
      int seconds = 0;
      words >> seconds;
      result.limit = std::chrono::seconds(seconds);
    } else if (key == "unstable") {
      result.unstable = true;
    }
  }
  return result;
}

bool is_installed(const std::string& need) {
  if (need.starts_with("/")) return fs::exists(need);
  for (const char* directory : {"/usr/sbin", "/usr/bin", "/sbin", "/bin"}) {
    if (fs::exists(fs::path(directory) / need)) return true;
  }
  return false;
}

void show(const Outcome& outcome) {
  if (std::getenv("CTGATE_COMPAT_SHOW") == nullptr) return;
  std::printf("--- stdout\n%s--- stderr\n%s--- exit code %d\n", outcome.output.c_str(), outcome.errors.c_str(),
              outcome.exit_status);
}

std::string last_line(const std::string& text) {
  std::istringstream lines(text);
  std::string last;
  for (std::string line; std::getline(lines, line);) last = line;
  return last;
}

class SystemWide : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    for (const auto& need : case_.needs) {
      if (!is_installed(need)) GTEST_SKIP() << need << " is not installed";
    }
    const auto& entered = PrivateSystem::enter(CTGATE_LIBRARY, COMPAT_PROGRAMS);
    if (!entered) GTEST_SKIP() << "no private system: " << entered.error().message;
  }
  Outcome run(bool preload) { return PrivateSystem::run(script_, preload, case_.limit); }

  const std::string script_ = GetParam() + ".sh";
  const Case case_ = read_case(fs::path(COMPAT_PROGRAMS) / script_);
};

TEST_P(SystemWide, SameWithAndWithout) {
  auto without = run(false);
  show(without);
  if (without.exit_status == cannot_work_here) GTEST_SKIP() << last_line(without.errors);
  ASSERT_EQ(without.exit_status, 0) << "without the library:\n" << without.output << without.errors;
  auto with = run(true);
  if (case_.unstable && with != without) {
    without = run(false);
    with = run(true);
  }
  EXPECT_EQ(with.exit_status, without.exit_status);
  EXPECT_EQ(with.output, without.output);
  EXPECT_EQ(with.errors, without.errors);
}

// What the other cases rest on.
TEST(SystemWidePreload, LoadsTheLibraryIntoEveryProgram) {
  const auto& entered = PrivateSystem::enter(CTGATE_LIBRARY, COMPAT_PROGRAMS);
  if (!entered) GTEST_SKIP() << "no private system: " << entered.error().message;
  const auto loaded = [](bool preload) {
    return PrivateSystem::run("support/loaded.sh", preload, std::chrono::seconds(10)).output;
  };
  EXPECT_EQ(loaded(false), "root: no\nuser: no\nsetuid: no\n");
  EXPECT_EQ(loaded(true), "root: yes\nuser: yes\nsetuid: yes\n");
}

// In a fixed order.
std::vector<std::string> all_cases() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(COMPAT_PROGRAMS)) {
    const auto name = entry.path().stem().string();
    if (entry.path().extension() == ".sh") names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

INSTANTIATE_TEST_SUITE_P(Programs, SystemWide, ::testing::ValuesIn(all_cases()),
                         [](const auto& name) { return name.param; });

}  // namespace
}  // namespace ctgate::test

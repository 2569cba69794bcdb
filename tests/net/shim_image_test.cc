// SPDX-License-Identifier: GPL-2.0-or-later
// Policy images that the preload library must not use, and programs that may not choose theirs.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <system_error>

#include "daemon/lab/sandbox.hh"
#include "tests/support/shim_test.hh"

namespace ctgate::test {
namespace {

namespace fs = std::filesystem;

void check(bool done, const char* what) {
  if (!done) throw std::system_error(errno, std::generic_category(), what);
}

// An image that lets everything pass: flows split where it is in force, and are whole where the built-in policy is.
std::string image_that_passes() {
  struct Access : ShimTest {
    using ShimTest::image_file;
  };
  Policy policy;
  policy.default_action = Action::pass;
  return Access::image_file(policy);
}

void write_at(const std::string& path, std::streamoff offset, char difference) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(offset);
  const auto byte = static_cast<char>(file.get() + difference);
  file.seekp(offset);
  check(static_cast<bool>(file.put(byte).flush()), "write to the image");
}

struct Spoiled {
  const char* name;
  void (*spoil)(const std::string& path);
  const char* words;  // of CTGATE_LOG
};

void PrintTo(const Spoiled& file, std::ostream* out) {
  *out << file.name;
}

constexpr std::streamoff version_at = 8, rules_at = 36;  // image::Header

const Spoiled spoiled[] = {
    {"Corrupt", [](const std::string& path) { write_at(path, rules_at, 1); }, "damaged"},
    {"Truncated", [](const std::string& path) { fs::resize_file(path, fs::file_size(path) - 1); }, "wrong size"},
    {"Longer", [](const std::string& path) { fs::resize_file(path, fs::file_size(path) + 8); }, "damaged"},
    {"Empty", [](const std::string& path) { fs::resize_file(path, 0); }, "wrong size"},
    {"Huge", [](const std::string& path) { fs::resize_file(path, std::uintmax_t{1} << 30); }, "wrong size"},
    {"Newer", [](const std::string& path) { write_at(path, version_at, 1); }, "another version"},
    {"SomethingElse", [](const std::string& path) { std::ofstream(path) << std::string(200, 'x'); },
     "not a policy image"},
    {"ForeignOwner", [](const std::string& path) { check(chown(path.c_str(), 65534, 65534) == 0, "chown"); },
     "changed by others"},
    {"GroupWritable", [](const std::string& path) { check(chmod(path.c_str(), 0664) == 0, "chmod"); },
     "changed by others"},
    {"WorldWritable", [](const std::string& path) { check(chmod(path.c_str(), 0646) == 0, "chmod"); },
     "changed by others"},
    {"Missing", [](const std::string& path) { fs::remove(path); }, "does not exist"},
    {"Directory",
     [](const std::string& path) {
       fs::remove(path);
       fs::create_directory(path);
     },
     "not a regular file"},
    {"Fifo",
     [](const std::string& path) {
       fs::remove(path);
       check(mkfifo(path.c_str(), 0644) == 0, "mkfifo");
     },
     "not a regular file"},
};

class ShimImage : public ShimTest, public ::testing::WithParamInterface<Spoiled> {
 protected:
  static std::vector<std::string> pairs() { return {SHIM_WAITS, "pairs", service()}; }
  Damage damage_after(const RunOptions& options, RunResult& result) {
    result = run(pairs(), options);
    EXPECT_EQ(result.exit_status, 0) << result.errors;
    auto damage = take_damage(20);
    EXPECT_EQ(damage.arrivals.delivered, 20U);
    return damage;
  }
};

TEST_P(ShimImage, BuiltInPolicyInsteadOf) {
  set_up_delayed_output();
  const auto path = image_that_passes();
  const std::string variable = "CTGATE_POLICY=" + path;
  RunResult result;
  ASSERT_GT(damage_after({.environment = {variable}}, result).arrivals.split_flows, 0U) << "it is not in force";

  GetParam().spoil(path);
  EXPECT_EQ(damage_after({.environment = {variable}}, result).arrivals.split_flows, 0U);
  EXPECT_EQ(result.errors, "");
  EXPECT_EQ(damage_after({.environment = {variable, "CTGATE_LOG=1"}}, result).arrivals.split_flows, 0U);
  EXPECT_NE(result.errors.find(path), std::string::npos) << result.errors;
  EXPECT_NE(result.errors.find(GetParam().words), std::string::npos) << result.errors;
}

INSTANTIATE_TEST_SUITE_P(Files, ShimImage, ::testing::ValuesIn(spoiled),
                         [](const auto& one) { return std::string(one.param.name); });

// Programs of other users, and set-user-ID programs (AT_SECURE), which an LD_PRELOAD does not reach: with the library
// in /etc/ld.so.preload. That is a file of a mount namespace that only the program below lives in, where /etc is a
// directory of the test's.
class ShimSecure : public ShimTest {
 protected:
  struct Scene {
    bool setuid = true;
    bool system_image = false;  // the image that passes is /run/ctgate/policy.image too
    std::string image_owner = "0";
    std::vector<std::string> environment{};
  };

  // Runs the pairs of waits as user 65534.
  RunResult run_as_nobody(const Scene& scene) {
    static const char script[] = R"(set -eu
directory=$1 library=$2 program=$3 image=$4 mode=$5 system_image=$6 image_owner=$7
shift 7
mount -t tmpfs -o mode=0755 tmpfs "$directory"  # without nosuid
cp "$library" "$directory/libctgate.so"
cp "$program" "$directory/program"
cp "$image" "$directory/pass.image"
chmod 0644 "$directory/pass.image"
chmod 0755 "$directory/libctgate.so"
chmod "$mode" "$directory/program"
if [ -e /etc/ld.so.cache ]; then cp /etc/ld.so.cache "$directory"; fi
mount --bind "$directory" /etc
mount -t tmpfs -o mode=0755 tmpfs /run
if [ "$system_image" = 1 ]; then
  mkdir /run/ctgate
  cp /etc/pass.image /run/ctgate/policy.image
  chown "$image_owner" /run/ctgate/policy.image
fi
echo /etc/libctgate.so >/etc/ld.so.preload
exec setpriv --reuid 65534 --regid 65534 --clear-groups /etc/program pairs "$@"
)";
    std::vector<std::string> argv{"unshare",
                                  "--mount",
                                  "--propagation",
                                  "private",
                                  "sh",
                                  "-c",
                                  script,
                                  "sh",
                                  must(lab::make_scratch_directory()).string(),
                                  library(),
                                  SHIM_WAITS,
                                  image_that_passes(),
                                  scene.setuid ? "4755" : "0755",
                                  scene.system_image ? "1" : "0",
                                  scene.image_owner,
                                  service()};
    return run(argv, {.preload = false, .environment = scene.environment});
  }

  Damage damage_of(const Scene& scene) {
    const auto preload_before = fs::exists("/etc/ld.so.preload");
    const auto result = run_as_nobody(scene);
    EXPECT_EQ(result.exit_status, 0) << result.errors;
    EXPECT_EQ(result.errors, "");
    EXPECT_EQ(fs::exists("/etc/ld.so.preload"), preload_before);
    auto damage = take_damage(20);
    EXPECT_EQ(damage.arrivals.delivered, 20U);
    return damage;
  }
};

TEST_F(ShimSecure, WorksInProgramsOfOtherUsers) {
  set_up_delayed_output();
  EXPECT_EQ(damage_of({.setuid = false}).arrivals.split_flows, 0U);
  EXPECT_GT(damage_of({.setuid = false, .environment = {"CTGATE_DISABLE=1"}}).arrivals.split_flows, 0U);
  EXPECT_GT(damage_of({.setuid = false, .environment = {"CTGATE_POLICY=/etc/pass.image"}}).arrivals.split_flows, 0U);
}

TEST_F(ShimSecure, EnvironmentIsIgnoredInSetuidPrograms) {
  set_up_delayed_output();
  EXPECT_EQ(damage_of({.environment = {"CTGATE_DISABLE=1"}}).arrivals.split_flows, 0U);
  EXPECT_EQ(damage_of({.environment = {"CTGATE_LOG=1", "CTGATE_POLICY=/etc/pass.image"}}).arrivals.split_flows, 0U);
}

TEST_F(ShimSecure, SystemsImageIsUsedInSetuidPrograms) {
  set_up_delayed_output();
  EXPECT_GT(damage_of({.system_image = true}).arrivals.split_flows, 0U);
  EXPECT_EQ(damage_of({.system_image = true, .image_owner = "65534"}).arrivals.split_flows, 0U);
}

}  // namespace
}  // namespace ctgate::test

// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/support/shim_test.hh"

#include <sys/mman.h>
#include <sys/mount.h>

#include <cerrno>
#include <fstream>
#include <stdexcept>
#include <system_error>

#include "daemon/lab/sandbox.hh"
#include "policy/image/compile.hh"

namespace ctgate::test {
namespace {

class Scratch {
 public:
  explicit Scratch(const char* name) : fd_(memfd_create(name, MFD_CLOEXEC)) {}
  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] std::string text() const { return content_of(fd_.get()); }

 private:
  FileDescriptor fd_;
};

}  // namespace

ShimTest::ShimTest() {
  static bool hidden = false;
  if (hidden) return;
  hidden = true;
  for (const char* directory : {"/run/ctgate", "/var/lib/ctgate"}) {
    if (mount("tmpfs", directory, "tmpfs", 0, "mode=0755") != 0 && errno != ENOENT) {
      throw std::system_error(errno, std::generic_category(), directory);
    }
  }
  const char preload[] = "/etc/ld.so.preload";
  if (mount("/dev/null", preload, nullptr, MS_BIND, nullptr) != 0 && errno != ENOENT) {
    throw std::system_error(errno, std::generic_category(), preload);
  }
}

const std::string& ShimTest::library() {
  static const std::string path = CTGATE_LIBRARY;
  return path;
}

std::string ShimTest::service(Family family) {
  return lab::Topology::addresses(family).service.to_string();
}

void ShimTest::set_up_delayed_output(Family family, std::chrono::microseconds delay,
                                     std::chrono::milliseconds answer_delay) {
  serve({.family = family, .port = server_port, .answer_delay = answer_delay});
  nat(lab::nat::dnat_to_backends(family, true));
  if (delay.count() > 0) third_party({.delay = delay}, {.hook = lab::ThirdPartyRule::Hook::output});
  clashes_before_ = clashes();
}

RunResult ShimTest::run(const std::vector<std::string>& argv, const RunOptions& options) {
  const Scratch output("stdout"), errors("stderr");
  std::vector<std::string> command{"env"};
  if (options.preload) command.push_back("LD_PRELOAD=" + (options.libraries.empty() ? library() : options.libraries));
  command.insert(command.end(), options.environment.begin(), options.environment.end());
  command.insert(command.end(), argv.begin(), argv.end());
  auto process = must(Process::start(
      {.argv = command, .network_namespace = gateway().fd(), .output = output.fd(), .errors = errors.fd()}));
  const auto status = process.wait(options.timeout);
  if (!status) throw std::runtime_error(argv.front() + " hangs; it printed: " + output.text() + errors.text());
  return {*status, output.text(), errors.text()};
}

Damage ShimTest::take_damage(std::uint32_t expected) {
  [[maybe_unused]] const bool arrived = eventually([&] { return servers->arrivals().size() >= expected; });
  const auto now = clashes();
  const Damage damage{now - clashes_before_, lab::summarize(servers->arrivals())};
  clashes_before_ = now;
  servers->clear();
  return damage;
}

void ShimTest::expect_cured(const std::vector<std::string>& argv, const RunOptions& options) {
  auto bare = options;
  bare.preload = false;
  const auto without = run(argv, bare);
  ASSERT_EQ(without.exit_status, 0) << without.errors;
  const auto damage = take_damage(static_cast<std::uint32_t>(value(without, "sent")));
  EXPECT_GT(damage.clashes, 0U);
  EXPECT_GT(damage.arrivals.split_flows, 0U);

  expect_delivered(argv, options);
  EXPECT_EQ(damage_of_last_run.clashes, 0U);
  EXPECT_EQ(damage_of_last_run.arrivals.split_flows, 0U);
}

RunResult ShimTest::expect_delivered(const std::vector<std::string>& argv, const RunOptions& options) {
  auto result = run(argv, options);
  EXPECT_EQ(result.exit_status, 0) << result.errors;
  EXPECT_EQ(result.errors, "");
  const auto sent = result.exit_status == 0 ? static_cast<std::uint32_t>(value(result, "sent")) : 0;
  damage_of_last_run = take_damage(sent);
  EXPECT_EQ(damage_of_last_run.arrivals.delivered, sent);
  return result;
}

std::size_t ShimTest::held(const RunResult& result) {
  std::size_t count = 0;
  const std::string words = "]: held a datagram to ";
  for (auto at = result.errors.find(words); at != std::string::npos; at = result.errors.find(words, at + 1)) ++count;
  return count;
}

std::string ShimTest::image_file(const Policy& policy) {
  const auto compiled = must(compile_policy(policy));
  const auto path = must(lab::make_scratch_directory()) / "policy.image";
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(compiled.image.data()), static_cast<std::streamsize>(compiled.image.size()));
  if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
  return path.string();
}

long ShimTest::value(const RunResult& result, const std::string& key) {
  const auto at = result.output.find(key + "=");
  if (at == std::string::npos) throw std::runtime_error("no " + key + " in: " + result.output + result.errors);
  return std::stol(result.output.substr(at + key.size() + 1));
}

}  // namespace ctgate::test

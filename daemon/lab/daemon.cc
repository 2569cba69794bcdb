// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/lab/daemon.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <fstream>
#include <system_error>
#include <thread>

#include "daemon/control/client.hh"
#include "daemon/lab/sandbox.hh"
#include "policy/base/find_program.hh"

namespace ctgate::lab {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds start_deadline{30};  // the kernel may have to load modules
constexpr std::chrono::milliseconds poll_interval{10};

// The last lines of a log, for an error message.
std::string tail(const std::string& text) {
  constexpr std::size_t lines = 8;
  if (text.empty()) return text;
  std::size_t start = text.size();
  for (std::size_t found = 0; found <= lines && start > 0; ++found) {
    start = text.rfind('\n', start - 1);
    if (start == std::string::npos) return text;
  }
  return text.substr(start + 1);
}

}  // namespace

Expected<std::filesystem::path> find_ctgated() {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
  for (const auto& candidate : {self / "ctgated", self / "../sbin/ctgated"}) {
    if (::access(candidate.c_str(), X_OK) == 0) return candidate.lexically_normal();
  }
  if (auto found = find_program("ctgated")) return *found;
  return system_error(
      fmt::format("ctgated is neither in {} nor in {} nor in PATH: install it, or build the target ctgated",
                  self.string(), (self / "../sbin").lexically_normal().string()));
}

Expected<Daemon> Daemon::start(const NetworkNamespace& where, const DaemonOptions& options) {
  const auto program = find_ctgated();
  if (!program) return tl::unexpected(program.error());
  const auto directory = make_scratch_directory();
  if (!directory) return tl::unexpected(directory.error());
  std::ofstream(*directory / "policy.toml") << options.policy;
  FileDescriptor log(::open((*directory / "log").c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!log) return errno_error("make ctgated's log in " + directory->string(), errno);

  ProcessOptions spawn;
  spawn.argv = {program->string(),
                "--netns",
                where.name(),
                "--runtime-dir",
                directory->string(),
                "--policy",
                (*directory / "policy.toml").string()};
  spawn.argv.insert(spawn.argv.end(), options.extra_args.begin(), options.extra_args.end());
  spawn.errors = log.get();
  auto process = Process::start(spawn);
  if (!process) return tl::unexpected(process.error());
  Daemon daemon(std::move(*process), std::move(log), *directory);
  if (auto ready = daemon.wait_until_running(); !ready) return tl::unexpected(ready.error());
  return daemon;
}

Daemon::~Daemon() {
  if (directory_.empty()) return;  // moved from
  stop();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

Expected<void> Daemon::wait_until_running() {
  const auto deadline = Clock::now() + start_deadline;
  for (;;) {
    const auto answer = status();
    if (answer && answer->value("state", "") == "running") return {};
    if (const auto ended = process_.wait(poll_interval)) {
      return system_error(fmt::format("ctgated ended with status {} instead of running:\n{}", *ended, tail(log())));
    }
    if (Clock::now() > deadline) {
      return system_error(fmt::format("ctgated is not running after {} s ({}):\n{}", start_deadline.count(),
                                      answer ? answer->dump() : answer.error().message, tail(log())));
    }
  }
}

Expected<nlohmann::json> Daemon::status() const {
  const auto answer = control::request(directory_ / "control.sock", R"({"command":"status"})");
  if (!answer) return tl::unexpected(answer.error());
  auto parsed = nlohmann::json::parse(*answer, nullptr, false);
  if (!parsed.is_object()) return system_error("ctgated's status is not a JSON object: " + *answer);
  return parsed;
}

}  // namespace ctgate::lab

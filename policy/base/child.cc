// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/base/child.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <string_view>
#include <system_error>

#include "policy/base/file_descriptor.hh"

namespace ctgate {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t most_output = std::size_t{64} * 1024;  // bytes kept of each output

// SIGCHLD can be waited for with sigtimedwait(2) as long as this lives.
class ChildSignal {
 public:
  ChildSignal() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGCHLD);
    ::sigprocmask(SIG_BLOCK, &set_, &old_mask_);
    struct sigaction fresh {};
    fresh.sa_handler = SIG_DFL;  // with SIG_IGN the kernel would reap the child and forget how it ended
    ::sigaction(SIGCHLD, &fresh, &old_action_);
  }
  ~ChildSignal() {
    ::sigaction(SIGCHLD, &old_action_, nullptr);
    ::sigprocmask(SIG_SETMASK, &old_mask_, nullptr);
  }
  ChildSignal(const ChildSignal&) = delete;
  ChildSignal& operator=(const ChildSignal&) = delete;
  ChildSignal(ChildSignal&&) = delete;
  ChildSignal& operator=(ChildSignal&&) = delete;

  void wait(Clock::duration at_most) const {
    const auto nanoseconds = std::chrono::duration_cast<std::chrono::nanoseconds>(at_most).count();
    const timespec limit{.tv_sec = static_cast<time_t>(nanoseconds / 1'000'000'000),
                         .tv_nsec = static_cast<long>(nanoseconds % 1'000'000'000)};
    (void)::sigtimedwait(&set_, nullptr, &limit);
  }
  [[nodiscard]] const sigset_t& old_mask() const { return old_mask_; }

 private:
  sigset_t set_{};
  sigset_t old_mask_{};
  struct sigaction old_action_ {};
};

// How to start the child: its descriptors, process group and signals.
class SpawnPlan {
 public:
  SpawnPlan(int output, int errors, const sigset_t& mask) {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions_, errors, STDERR_FILENO);
    ::posix_spawnattr_init(&attributes_);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    ::posix_spawnattr_setsigmask(&attributes_, &mask);
  }
  ~SpawnPlan() {
    ::posix_spawnattr_destroy(&attributes_);
    ::posix_spawn_file_actions_destroy(&actions_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
  SpawnPlan(SpawnPlan&&) = delete;
  SpawnPlan& operator=(SpawnPlan&&) = delete;

  [[nodiscard]] Expected<pid_t> start(const std::vector<std::string>& arguments,
                                      const std::vector<std::string>& environment) const {
    const auto words = pointers(arguments);
    const auto variables = pointers(environment);
    pid_t pid = -1;
    const int error =
        ::posix_spawn(&pid, arguments.front().c_str(), &actions_, &attributes_, words.data(), variables.data());
    if (error != 0) return errno_error("cannot run " + arguments.front(), error);
    return pid;
  }

 private:
  static std::vector<char*> pointers(const std::vector<std::string>& words) {
    std::vector<char*> result;
    result.reserve(words.size() + 1);
    for (const auto& word : words) result.push_back(const_cast<char*>(word.c_str()));  // posix_spawn does not write
    result.push_back(nullptr);
    return result;
  }

  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

std::string content(int fd) {
  std::string text(most_output, '\0');
  const auto count = ::pread(fd, text.data(), text.size(), 0);
  text.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
  return text;
}

// Nothing if it did not end in time.
std::optional<int> wait_for(pid_t pid, const ChildSignal& signal, std::chrono::milliseconds limit) {
  const auto deadline = Clock::now() + limit;
  for (;;) {
    int status = 0;
    const pid_t ended = ::waitpid(pid, &status, WNOHANG);
    if (ended == pid) return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    if (ended < 0 && errno != EINTR) return 127;
    const auto left = deadline - Clock::now();
    if (left <= Clock::duration::zero()) return std::nullopt;
    signal.wait(left);
  }
}

}  // namespace

Expected<ChildResult> run_child(const std::vector<std::string>& arguments, const std::vector<std::string>& environment,
                                std::chrono::milliseconds limit) {
  const FileDescriptor output(::memfd_create("output", MFD_CLOEXEC));
  const FileDescriptor errors(::memfd_create("errors", MFD_CLOEXEC));
  if (!output || !errors) return errno_error("memfd_create", errno);
  const ChildSignal signal;
  const SpawnPlan plan(output.get(), errors.get(), signal.old_mask());
  const auto pid = plan.start(arguments, environment);
  if (!pid) return tl::unexpected(pid.error());
  ChildResult result;
  if (const auto code = wait_for(*pid, signal, limit)) {
    result.exit_code = *code;
  } else {
    ::kill(-*pid, SIGKILL);
    while (::waitpid(*pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    result.timed_out = true;
    result.exit_code = 128 + SIGKILL;
  }
  result.output = content(output.get());
  result.errors = content(errors.get());
  return result;
}

std::vector<std::string> plain_environment() {
  std::vector<std::string> result;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    const std::string_view text(*variable);
    if (!text.starts_with("LD_") && !text.starts_with("CTGATE_")) result.emplace_back(text);
  }
  return result;
}

}  // namespace ctgate

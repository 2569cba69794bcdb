// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/base/process.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <string_view>
#include <thread>

#include "policy/base/find_program.hh"

namespace ctgate {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds poll_interval{2};  // where there is no pidfd_open(2)
constexpr int not_ours = 127;

int exit_status(int wait_status) {
  return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

int open_pid([[maybe_unused]] pid_t pid) {
#ifdef SYS_pidfd_open
  return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
#else
  return -1;
#endif
}

// What the child could not do, and why: what it sends its parent.
struct Failure {
  enum class Step : int { none, enter_namespace, set_up_descriptors, execute } step = Step::none;
  int error = 0;
};

// A program and how to start it, made before the fork: the child may not allocate.
class Launch {
 public:
  Launch(const ProcessOptions& options, std::string file, int null, int report)
      : options_(options),
        file_(std::move(file)),
        argv_(pointers(options.argv)),
        sources_{options.input, options.output, options.errors},
        report_(report) {
    if (options.environment) environment_ = pointers(*options.environment);
    std::replace_if(
        sources_.begin(), sources_.end(), [](int fd) { return fd < 0; }, null);
  }

  // In the child, after the fork; async-signal-safe.
  [[noreturn]] void run() {
    if (options_.own_group) ::setpgid(0, 0);
    if (options_.network_namespace >= 0 && ::setns(options_.network_namespace, CLONE_NEWNET) != 0) {
      fail(Failure::Step::enter_namespace);
    }
    set_up_descriptors();
    ::execve(file_.c_str(), argv_.data(), options_.environment ? environment_.data() : environ);
    fail(Failure::Step::execute);
  }

 private:
  static std::vector<char*> pointers(const std::vector<std::string>& words) {
    std::vector<char*> result;
    result.reserve(words.size() + 1);
    for (const auto& word : words) result.push_back(const_cast<char*>(word.c_str()));  // execve does not write
    result.push_back(nullptr);
    return result;
  }

  [[noreturn]] void fail(Failure::Step step) const {
    const Failure failure{step, errno};
    [[maybe_unused]] const auto told = ::write(report_, &failure, sizeof failure);
    ::_exit(not_ours);
  }

  // All of them out of the way first: where the caller has closed one of its own three, the others may be there.
  void set_up_descriptors() {
    constexpr int first_other = STDERR_FILENO + 1;
    const int report = ::fcntl(report_, F_DUPFD_CLOEXEC, first_other);
    if (report < 0) fail(Failure::Step::set_up_descriptors);
    report_ = report;
    for (int& fd : sources_) {
      fd = ::fcntl(fd, F_DUPFD_CLOEXEC, first_other);
      if (fd < 0) fail(Failure::Step::set_up_descriptors);
    }
    for (int target = 0; target < first_other; ++target) {
      if (::dup2(sources_[static_cast<std::size_t>(target)], target) < 0) fail(Failure::Step::set_up_descriptors);
    }
  }

  const ProcessOptions& options_;
  std::string file_;
  std::vector<char*> argv_;
  std::vector<char*> environment_;
  std::array<int, 3> sources_;
  int report_;
};

// Until its end. Around a fork: a signal to the process group must not reach the parent's handlers in the child, where
// they may write to what both have, the pipe of an event loop for example.
class NoSignals {
 public:
  NoSignals() {
    sigset_t all;
    sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, &before_);
  }
  ~NoSignals() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }
  NoSignals(const NoSignals&) = delete;
  NoSignals& operator=(const NoSignals&) = delete;
  NoSignals(NoSignals&&) = delete;
  NoSignals& operator=(NoSignals&&) = delete;

 private:
  sigset_t before_{};
};

// The child's first steps; async-signal-safe.

void die_with(pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(not_ours);  // the parent was gone before the line above
}

void forget_handlers() {
  for (int signal = 1; signal < NSIG; ++signal) {
    struct sigaction action {};
    if (::sigaction(signal, nullptr, &action) != 0 || action.sa_handler == SIG_IGN) continue;
    action = {};
    ::sigaction(signal, &action, nullptr);
  }
}

void unblock_signals() {
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

Expected<void> outcome(int report, const std::string& program) {
  Failure failure;
  ssize_t count = 0;
  do {  // ends with execve(2), which closes the child's end
    count = ::read(report, &failure, sizeof failure);
  } while (count < 0 && errno == EINTR);
  if (count != sizeof failure) return {};
  std::string_view step;
  if (failure.step == Failure::Step::enter_namespace) step = ": enter its network namespace";
  if (failure.step == Failure::Step::set_up_descriptors) step = ": set up its descriptors";
  return errno_error(fmt::format("cannot run {}{}", program, step), failure.error);
}

}  // namespace

Expected<Process> Process::start(const ProcessOptions& options) {
  const std::string& program = options.argv.front();
  const auto file = find_program(program);
  if (!file) return system_error(fmt::format("cannot run {}: it is not in PATH, /usr/sbin or /sbin", program));
  const FileDescriptor null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) return errno_error("open /dev/null", errno);
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return errno_error("make a pipe", errno);
  const FileDescriptor reading(ends[0]);
  FileDescriptor writing(ends[1]);
  Launch launch(options, file->string(), null.get(), writing.get());

  const pid_t parent = ::getpid();
  pid_t pid = -1;
  {
    const NoSignals until_both_are_set_up;
    pid = ::fork();
    if (pid < 0) return errno_error("fork", errno);
    if (pid == 0) {
      if (options.dies_with_parent) die_with(parent);
      forget_handlers();
      unblock_signals();
      launch.run();
    }
  }
  Process process(pid, options.own_group);
  writing = FileDescriptor();
  if (auto started = outcome(reading.get(), program); !started) return tl::unexpected(started.error());
  return process;
}

Expected<Process> Process::call(const std::function<int()>& body) {
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return errno_error("fork", errno);
  if (pid > 0) return Process(pid, false);
  die_with(parent);
  unblock_signals();
  int status = 126;
  try {
    status = body();
  } catch (...) {  // an exception must not unwind into the parent's frames
  }
  ::_exit(status);
}

Process::Process(pid_t pid, bool own_group) : pid_(pid), own_group_(own_group), end_(open_pid(pid)) {}

// Whether the child's end is known now.
bool Process::reap(int options) {
  if (status_) return true;
  int wait_status = 0;
  const pid_t result = ::waitpid(pid_, &wait_status, options);
  if (result == pid_) {
    status_ = exit_status(wait_status);
  } else if (result < 0 && errno != EINTR) {
    status_ = not_ours;  // not our child any more: somebody set SIGCHLD to be ignored
  }
  return status_.has_value();
}

bool Process::running() {
  return !reap(WNOHANG);
}

int Process::wait() {
  while (!reap(0)) {
  }
  return *status_;
}

std::optional<int> Process::wait(std::chrono::milliseconds limit) {
  const auto deadline = Clock::now() + limit;
  while (!reap(WNOHANG)) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    if (left <= std::chrono::milliseconds::zero()) return std::nullopt;
    if (end_) {
      constexpr std::chrono::milliseconds longest = std::chrono::hours(1);  // poll(2) takes an int
      pollfd readable{end_.get(), POLLIN, 0};
      ::poll(&readable, 1, static_cast<int>(std::min(left, longest).count()));
    } else {
      std::this_thread::sleep_for(std::min(left, poll_interval));
    }
  }
  return status_;
}

int Process::stop(std::chrono::milliseconds timeout) {
  if (running()) ::kill(pid_, SIGTERM);
  if (const auto status = wait(timeout)) return *status;
  kill();
  return *status_;
}

void Process::kill() {
  if (pid_ <= 0 || status_) return;
  ::kill(own_group_ ? -pid_ : pid_, SIGKILL);
  wait();
}

}  // namespace ctgate

// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/lab/command.hh"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <sstream>
#include <thread>

#include "policy/base/file_descriptor.hh"

namespace ctgate::lab {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds poll_interval{2};

// The child's first steps; async-signal-safe.
void become_owned_child(pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);  // the parent was gone before the line above
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

int exit_status(int wait_status) {
  return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

}  // namespace

std::optional<std::filesystem::path> find_program(std::string_view name) {
  if (name.find('/') != std::string_view::npos) return std::filesystem::path(name);
  const char* path = std::getenv("PATH");
  std::istringstream directories(std::string(path == nullptr ? "/usr/bin:/bin" : path) + ":/usr/sbin:/sbin");
  for (std::string directory; std::getline(directories, directory, ':');) {
    auto candidate = std::filesystem::path(directory.empty() ? "." : directory) / name;
    if (::access(candidate.c_str(), X_OK) == 0 && std::filesystem::is_regular_file(candidate)) return candidate;
  }
  return std::nullopt;
}

Expected<Process> Process::start(const SpawnOptions& options) {
  const auto program = find_program(options.argv.front());
  if (!program) return system_error(options.argv.front() + ": not found in PATH, /usr/sbin or /sbin");
  const FileDescriptor null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) return errno_error("open /dev/null", errno);
  std::vector<char*> argv;  // built before the fork: the child may not allocate
  for (const auto& argument : options.argv) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const std::array<int, 3> standard{options.input, options.output, options.errors};

  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return errno_error("fork", errno);
  if (pid > 0) return Process(pid);
  become_owned_child(parent);
  if (options.network_namespace >= 0 && ::setns(options.network_namespace, CLONE_NEWNET) != 0) ::_exit(126);
  for (int target = 0; target < 3; ++target) {
    const int source = standard[static_cast<std::size_t>(target)];
    if (::dup2(source < 0 ? null.get() : source, target) < 0) ::_exit(126);
  }
  ::execv(program->c_str(), argv.data());
  ::_exit(127);
}

Expected<Process> Process::call(const std::function<int()>& body) {
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return errno_error("fork", errno);
  if (pid > 0) return Process(pid);
  become_owned_child(parent);
  int status = 126;
  try {
    status = body();
  } catch (...) {  // an exception must not unwind into the parent's frames
  }
  ::_exit(status);
}

Process::~Process() {
  if (pid_ > 0 && !status_) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
}

bool Process::running() {
  return !wait(std::chrono::milliseconds(0));
}

std::optional<int> Process::wait(std::chrono::milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  while (!status_) {
    int wait_status = 0;
    const pid_t result = ::waitpid(pid_, &wait_status, WNOHANG);
    if (result == pid_) {
      status_ = exit_status(wait_status);
    } else if (result < 0 && errno != EINTR) {
      status_ = 127;  // not our child any more: somebody set SIGCHLD to be ignored
    } else {
      if (Clock::now() >= deadline) return std::nullopt;
      std::this_thread::sleep_for(poll_interval);
    }
  }
  return status_;
}

int Process::stop(std::chrono::milliseconds patience) {
  if (running()) ::kill(pid_, SIGTERM);
  if (const auto status = wait(patience)) return *status;
  ::kill(pid_, SIGKILL);
  while (!wait(std::chrono::seconds(1))) {
  }
  return *status_;
}

std::string read_all(int fd) {
  std::string text;
  std::array<char, 4096> buffer;
  for (;;) {
    const auto count = ::pread(fd, buffer.data(), buffer.size(), static_cast<off_t>(text.size()));
    if (count <= 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

}  // namespace ctgate::lab

// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/lab/sandbox.hh"

#include <cap-ng.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>

#include "policy/base/file_descriptor.hh"

namespace ctgate::lab {
namespace {

pid_t outer_pid = 0;  // getpid() as it was before the PID namespace
std::atomic<unsigned> name_counter{0};

// /run/netns on the host. Every sandbox holds a shared lock on it, so that the one that made the directory removes it
// only when no other runs: rmdir(2) would tear the mount out of the other's mount namespace.
class NamespaceDirectory {
 public:
  NamespaceDirectory() : made_(::mkdir(namespace_directory.data(), 0755) == 0) {
    lock_ = FileDescriptor(::open(namespace_directory.data(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (lock_) ::flock(lock_.get(), LOCK_SH | LOCK_NB);
  }
  ~NamespaceDirectory() {
    if (made_ && lock_ && ::flock(lock_.get(), LOCK_EX | LOCK_NB) == 0) ::rmdir(namespace_directory.data());
  }
  NamespaceDirectory(const NamespaceDirectory&) = delete;
  NamespaceDirectory& operator=(const NamespaceDirectory&) = delete;
  NamespaceDirectory(NamespaceDirectory&&) = delete;
  NamespaceDirectory& operator=(NamespaceDirectory&&) = delete;

 private:
  bool made_;
  FileDescriptor lock_;
};

// A fresh /proc shows the processes of the new PID namespace; /proc/self and /proc/thread-self need it.
Expected<void> mount_own_proc() {
  if (::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) {
    return errno_error("mount a private /proc", errno);
  }
  return {};
}

[[noreturn]] void run_as_first_process(const std::function<int()>& body, int alive_pipe) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The parent's pid is not visible from here; its end of the pipe tells whether it died before the line above.
  pollfd parent{alive_pipe, POLLIN, 0};
  if (::poll(&parent, 1, 0) != 0) ::_exit(127);
  int status = static_cast<int>(ExitCode::system);
  try {
    auto ready = enter_private_mounts().and_then(mount_own_proc);
    if (ready) {
      status = body();
    } else {
      std::cerr << "ctgate: " << ready.error().message << '\n';
    }
  } catch (const std::exception& error) {
    std::cerr << "ctgate: " << error.what() << '\n';
  }
  std::exit(status);
}

// Waits for the child's end or for a signal that asks to stop; `signals` are blocked.
int supervise(pid_t child, const sigset_t& signals) {
  for (;;) {
    int signal = 0;
    if (::sigwait(&signals, &signal) != 0) continue;
    int status = 0;
    if (signal == SIGCHLD) {
      if (::waitpid(child, &status, WNOHANG) != child) continue;
      return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }
    ::kill(child, SIGKILL);
    ::waitpid(child, &status, 0);  // returns when every process of the namespace is gone
    return 128 + signal;
  }
}

// Those that supervise() waits for, blocked until they are restored or this goes.
class SupervisedSignals {
 public:
  SupervisedSignals() {
    sigemptyset(&set_);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD}) sigaddset(&set_, signal);
    ::sigprocmask(SIG_BLOCK, &set_, &before_);
  }
  ~SupervisedSignals() { restore(); }
  SupervisedSignals(const SupervisedSignals&) = delete;
  SupervisedSignals& operator=(const SupervisedSignals&) = delete;
  SupervisedSignals(SupervisedSignals&&) = delete;
  SupervisedSignals& operator=(SupervisedSignals&&) = delete;

  void restore() const { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }
  [[nodiscard]] const sigset_t& set() const { return set_; }

 private:
  sigset_t set_{};
  sigset_t before_{};
};

}  // namespace

Expected<void> check_privileges() {
  if (capng_get_caps_process() != 0) return system_error("cannot read the capabilities of this process");
  if (capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_ADMIN) != 0 &&
      capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_ADMIN) != 0) {
    return {};
  }
  return system_error(
      "this needs root, or the capabilities CAP_SYS_ADMIN and CAP_NET_ADMIN, to create network namespaces: run it with "
      "sudo, in a container with --privileged");
}

Expected<int> run_isolated(const std::function<int()>& body) {
  const NamespaceDirectory directory;
  const FileDescriptor own_namespace(::open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC));
  std::array<int, 2> pipe_ends{};
  if (::pipe2(pipe_ends.data(), O_CLOEXEC) != 0) return errno_error("make a pipe", errno);
  const FileDescriptor read_end(pipe_ends[0]);
  FileDescriptor write_end(pipe_ends[1]);
  const SupervisedSignals signals;
  std::cout.flush();
  std::fflush(nullptr);

  outer_pid = ::getpid();
  if (::unshare(CLONE_NEWPID) != 0) return errno_error("make a PID namespace", errno);
  const pid_t child = ::fork();
  const int fork_error = errno;
  if (child == 0) {
    write_end = FileDescriptor();
    signals.restore();
    run_as_first_process(body, read_end.get());
  }
  ::setns(own_namespace.get(), CLONE_NEWPID);  // later children of this process belong here again
  if (child < 0) return errno_error("fork", fork_error);
  return supervise(child, signals.set());
}

Expected<void> enter_private_mounts() {
  if (outer_pid == 0) outer_pid = ::getpid();
  if (::mkdir(namespace_directory.data(), 0755) != 0 && errno != EEXIST) {
    return errno_error(fmt::format("make the directory {}", namespace_directory), errno);
  }
  if (::unshare(CLONE_NEWNS) != 0) return errno_error("make a mount namespace", errno);
  // Slave, not private: what the host unmounts is let go here too.
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) {
    return errno_error("keep mounts private", errno);
  }
  if (::mount("ctgate-lab", namespace_directory.data(), "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=64m") != 0) {
    return errno_error(fmt::format("mount a private tmpfs on {}", namespace_directory), errno);
  }
  return {};
}

Expected<std::filesystem::path> make_scratch_directory() {
  const auto path = std::filesystem::path(namespace_directory) / unique_name("files");
  if (::mkdir(path.c_str(), 0755) != 0) return errno_error("make the directory " + path.string(), errno);
  return path;
}

std::string unique_name(std::string_view role) {
  return fmt::format("ctgate-{}-{}-{}", outer_pid != 0 ? outer_pid : ::getpid(), ++name_counter, role);
}

}  // namespace ctgate::lab

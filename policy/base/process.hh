// SPDX-License-Identifier: GPL-2.0-or-later
// A child process with an owner. To run a program to its end, see run_program.hh.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "policy/base/error.hh"
#include "policy/base/file_descriptor.hh"

namespace ctgate {

struct ProcessOptions {
  std::vector<std::string> argv;                          // argv[0]: a path, or a name for find_program()
  std::optional<std::vector<std::string>> environment{};  // "NAME=value", its whole environment; nothing: the caller's
  int network_namespace = -1;                             // descriptor of one that the child enters; -1: the caller's
  // Descriptors for the child's 0, 1 and 2, borrowed; -1: /dev/null.
  int input = -1;
  int output = -1;
  int errors = -1;
  bool own_group = false;  // its own process group, which is killed with it
  // It is killed when the *thread* that started it ends (PR_SET_PDEATHSIG), so start it from one that lives long
  // enough. A child that changes its user loses this.
  bool dies_with_parent = true;
};

class Process {
 public:
  // Starts a program, with no signal blocked. The error says what kept the program from running, including errors of
  // execve(2): "cannot run ip: Permission denied".
  [[nodiscard]] static Expected<Process> start(const ProcessOptions& options);

  // Forks and runs `body` in the child, which exits with its result and dies with the calling thread. Only for bodies
  // that are safe in the child of a process with threads: no locks that another thread may hold. The caller's stdio
  // buffers are not flushed. A concurrent start() in another thread might not return until the child has ended.
  [[nodiscard]] static Expected<Process> call(const std::function<int()>& body);

  Process(Process&& other) noexcept
      : pid_(std::exchange(other.pid_, -1)),
        own_group_(other.own_group_),
        end_(std::move(other.end_)),
        status_(std::exchange(other.status_, std::nullopt)) {}
  Process& operator=(Process&& other) noexcept {
    std::swap(pid_, other.pid_);
    std::swap(own_group_, other.own_group_);
    std::swap(end_, other.end_);
    std::swap(status_, other.status_);
    return *this;
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() { kill(); }

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] bool running();

  // The exit status, or 128 + number for a signal, as shells count. With a limit: nothing if it is still running then.
  int wait();
  std::optional<int> wait(std::chrono::milliseconds limit);

  // SIGTERM, then SIGKILL after `timeout`. Returns what wait() returns.
  int stop(std::chrono::milliseconds timeout = std::chrono::seconds(5));

  // SIGKILL if it is still running; also to its group, if it has its own.
  void kill();

 private:
  Process(pid_t pid, bool own_group);
  bool reap(int options);

  pid_t pid_;
  bool own_group_;
  FileDescriptor end_;         // pidfd_open(2): readable when the child has ended; nothing before Linux 5.3
  std::optional<int> status_;  // once it has been reaped
};

}  // namespace ctgate

// SPDX-License-Identifier: GPL-2.0-or-later
// Child processes with an owner. For short commands see policy/base/command.hh.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "policy/base/error.hh"

namespace ctgate::lab {

// The executable that PATH, or the system directories /usr/sbin and /sbin behind it, has for `name`.
[[nodiscard]] std::optional<std::filesystem::path> find_program(std::string_view name);

struct SpawnOptions {
  std::vector<std::string> argv;  // argv[0]: a path, or a name for find_program()
  int network_namespace = -1;     // descriptor of a namespace that the child enters; -1: the caller's
  // Descriptors for the child's 0, 1 and 2, borrowed; -1: /dev/null.
  int input = -1;
  int output = -1;
  int errors = -1;
};

// A child process. It dies with the thread that started it (PR_SET_PDEATHSIG: the *thread*, so start children from one
// that lives long enough; a child that changes its user loses this, see sandbox.hh for what holds then too).
class Process {
 public:
  [[nodiscard]] static Expected<Process> start(const SpawnOptions& options);

  // Forks and runs `body` in the child, which exits with its result. Only for bodies that are safe in the child of a
  // process with threads: no locks that another thread may hold. The caller's stdio buffers are not flushed.
  [[nodiscard]] static Expected<Process> call(const std::function<int()>& body);

  Process(Process&& other) noexcept
      : pid_(std::exchange(other.pid_, -1)), status_(std::exchange(other.status_, std::nullopt)) {}
  Process& operator=(Process&& other) noexcept {
    std::swap(pid_, other.pid_);
    std::swap(status_, other.status_);
    return *this;
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();  // kills it

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] bool running();

  // Waits at most `timeout`. The result is the exit status, 128 + number for a signal; nothing while it still runs.
  std::optional<int> wait(std::chrono::milliseconds timeout);

  // SIGTERM, and SIGKILL after `patience`. The result is as of wait().
  int stop(std::chrono::milliseconds patience = std::chrono::seconds(5));

 private:
  explicit Process(pid_t pid) : pid_(pid) {}
  pid_t pid_;
  std::optional<int> status_;
};

// Everything in the file behind `fd`, from its beginning; the descriptor's position is not used.
[[nodiscard]] std::string read_all(int fd);

}  // namespace ctgate::lab

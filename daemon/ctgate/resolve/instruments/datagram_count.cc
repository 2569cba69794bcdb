// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/ctgate/resolve/instruments/datagram_count.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <map>

#include "policy/base/file_descriptor.hh"

namespace ctgate::lookup {
namespace {

constexpr int syscall_stop = SIGTRAP | 0x80;  // PTRACE_O_TRACESYSGOOD

int option_of(int socket, int name) {
  int value = -1;
  socklen_t length = sizeof value;
  return ::getsockopt(socket, SOL_SOCKET, name, &value, &length) == 0 ? value : -1;
}

class Tracer {
 public:
  explicit Tracer(pid_t child)
      : child_(child), process_(static_cast<int>(::syscall(SYS_pidfd_open, child, 0))), exact_(bool(process_)) {}

  // Stops the child; from then on its system calls stop it too.
  bool attach() {
    const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL;
    return ::ptrace(PTRACE_SEIZE, child_, nullptr, options) == 0 &&
           ::ptrace(PTRACE_INTERRUPT, child_, nullptr, nullptr) == 0;
  }

  // Until the child ends. Returns its wait status.
  int follow() {
    for (;;) {
      int status = 0;
      const pid_t thread = ::waitpid(-1, &status, __WALL);
      if (thread < 0 && errno == EINTR) continue;
      if (thread < 0) return 127 << 8;  // nobody is left
      if (WIFSTOPPED(status)) {
        resume(thread, status);
      } else if (thread == child_) {
        return status;
      }
    }
  }

  [[nodiscard]] std::optional<unsigned> datagrams() const { return exact_ ? std::optional(count_) : std::nullopt; }

 private:
  struct Entered {
    std::uint64_t number = 0;
    std::uint64_t descriptor = 0;
  };

  void resume(pid_t thread, int status) {
    const int signal = WSTOPSIG(status);
    const bool event = (status >> 16) != 0;  // a new thread, the interrupt
    if (signal == syscall_stop) look_at(thread);
    const long deliver = event || signal == syscall_stop ? 0 : signal;
    ::ptrace(PTRACE_SYSCALL, thread, nullptr, deliver);
  }

  void look_at(pid_t thread) {
    __ptrace_syscall_info info{};
    if (::ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof info, &info) <= 0) {
      exact_ = false;
    } else if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
      entered_[thread] = {info.entry.nr, info.entry.args[0]};
    } else if (info.op == PTRACE_SYSCALL_INFO_EXIT && info.exit.is_error == 0) {
      leave(entered_[thread], info.exit.rval);
    }
  }

  void leave(const Entered& call, std::int64_t result) {
    const bool many = call.number == SYS_sendmmsg;
    if (!many && call.number != SYS_sendto && call.number != SYS_sendmsg) return;
    if (sends_datagrams(static_cast<int>(call.descriptor))) count_ += many ? static_cast<unsigned>(result) : 1;
  }

  bool sends_datagrams(int descriptor) {
    const FileDescriptor socket(
        static_cast<int>(::syscall(SYS_pidfd_getfd, process_.get(), descriptor, 0)));  // Linux 5.6
    if (!socket) exact_ = false;
    const int domain = option_of(socket.get(), SO_DOMAIN);
    return (domain == AF_INET || domain == AF_INET6) && option_of(socket.get(), SO_TYPE) == SOCK_DGRAM;
  }

  pid_t child_;
  FileDescriptor process_;
  bool exact_;
  unsigned count_ = 0;
  std::map<pid_t, Entered> entered_;  // by thread
};

[[noreturn]] void run_traced(const std::function<void()>& body, int barrier) {
  char byte = 0;
  while (::read(barrier, &byte, 1) < 0 && errno == EINTR) {
  }
  body();
  std::cout.flush();
  std::fflush(nullptr);
  ::_exit(0);
}

}  // namespace

Expected<Counted> count_datagrams(const std::function<void()>& body) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return errno_error("make a pipe", errno);
  const FileDescriptor read_end(ends[0]);
  FileDescriptor write_end(ends[1]);
  std::cout.flush();
  const pid_t child = ::fork();
  if (child < 0) return errno_error("fork", errno);
  if (child == 0) {
    write_end = FileDescriptor();
    run_traced(body, read_end.get());
  }
  Tracer tracer(child);
  const bool traced = tracer.attach();
  write_end = FileDescriptor();  // lets the child go on, once it is traced
  const int status = tracer.follow();
  return Counted{WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status),
                 traced ? tracer.datagrams() : std::nullopt};
}

Expected<void> print_datagrams(const std::function<void()>& body) {
  const auto counted = count_datagrams(body);
  if (!counted) return tl::unexpected(counted.error());
  if (counted->exit_status != 0) {
    return system_error(fmt::format("the lookup ended with status {}", counted->exit_status));
  }
  if (counted->datagrams) std::cout << "datagrams " << *counted->datagrams << '\n';
  return {};
}

}  // namespace ctgate::lookup

// SPDX-License-Identifier: GPL-2.0-or-later
// How many UDP datagrams a piece of a program sends, exactly and whoever sends them: libc's own resolver cannot be
// asked, and the network's counters are everybody's.
#pragma once

#include <functional>
#include <optional>

#include "policy/base/error.hh"

namespace ctgate::preload {

struct Counted {
  int exit_status = 0;                // of the child; 128 + number for a signal
  std::optional<unsigned> datagrams;  // over IP; nothing where the kernel does not let this process trace its child
};

// Runs `body` in a forked child, which ends with 0 behind it, and counts what the child's system calls send, with all
// its threads: ptrace(2), PTRACE_GET_SYSCALL_INFO (Linux 5.3). Each of its system calls takes some microseconds longer.
// For processes without other threads and other children.
[[nodiscard]] Expected<Counted> count_datagrams(const std::function<void()>& body);

}  // namespace ctgate::preload

// SPDX-License-Identifier: GPL-2.0-or-later
// How many UDP datagrams a piece of a program sends, whichever library sends them. libc's resolver keeps no count, and
// network counters include everybody else's datagrams.
#pragma once

#include <functional>
#include <optional>

#include "policy/base/error.hh"

namespace ctgate::lookup {

struct Counted {
  int exit_status = 0;                // of the child; 128 + N after signal N
  std::optional<unsigned> datagrams;  // over IP; nothing if this process may not trace its child
};

// Runs `body` in a forked child, which then exits with 0, and counts what the system calls of the child and all its
// threads send: ptrace(2), PTRACE_GET_SYSCALL_INFO (Linux 5.3). Each of its system calls takes some microseconds
// longer. For processes without other threads and other children.
[[nodiscard]] Expected<Counted> count_datagrams(const std::function<void()>& body);

// The same, and then prints the count in a line that read_report() (lookup.hh) reads, if it is known.
Expected<void> print_datagrams(const std::function<void()>& body);

}  // namespace ctgate::lookup

// SPDX-License-Identifier: GPL-2.0-or-later
// Does this machine's libc have the bug that makes `single-request` slow? glibc's bug 30081: told to ask one question
// at a time, and given an error (SERVFAIL, NOTIMP, REFUSED) in reply to the first, it waits for the reply to the second
// without having asked it, for a whole timeout: 5 s by default. Fixed in 2.41 (af625987d6), and by some distributions
// in packages of 2.36 and 2.35, so the version doesn't tell; this measures.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "policy/base/error.hh"

namespace ctgate::lookup {

struct LibcProbe {
  std::chrono::microseconds duration{0};  // of a lookup with an error in reply to the first question
  unsigned questions = 0;                 // that reached the probe's name server

  // Whether libc waited for an answer that it had not asked for.
  [[nodiscard]] bool affected() const;
};

// Runs `/proc/self/exe libc-probe-child`, which calls probe_libc_here(); a second time if libc seems affected, as the
// machine may just have been busy. Takes some milliseconds, or 2 s with the bug. An error if no question reached the
// name server, for example in a network namespace whose loopback interface is down.
[[nodiscard]] Expected<LibcProbe> probe_libc();

// In the child: one getaddrinfo(3) with single-request, a timeout of 1 s and one attempt, sent to a name server on the
// loopback interface that replies SERVFAIL and runs in a thread of this process. Ignores /etc/resolv.conf,
// nsswitch.conf and RES_OPTIONS. Prints what read_libc_probe() reads.
Expected<void> probe_libc_here();

[[nodiscard]] std::optional<LibcProbe> read_libc_probe(const std::string& output);

}  // namespace ctgate::lookup

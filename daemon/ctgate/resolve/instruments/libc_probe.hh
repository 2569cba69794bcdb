// SPDX-License-Identifier: GPL-2.0-or-later
// Has this machine's libc the bug that makes `single-request` dear? glibc's bug 30081: told to ask one question at a
// time, it waits after an error (SERVFAIL, NOTIMP, REFUSED) as the first answer for an answer to the second question,
// which it has not asked: a whole timeout, 5 s by default. Mended in 2.41 (af625987d6) and by some distributions in
// what they call 2.36 or 2.35, so no version tells; this measures.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "policy/base/error.hh"

namespace ctgate::lookup {

struct LibcProbe {
  std::chrono::microseconds duration{0};  // of a lookup whose first answer was an error
  unsigned questions = 0;                 // that reached the answerer

  // Whether libc waited for what it had not asked for.
  [[nodiscard]] bool affected() const;
};

// Runs `program libc-probe-child` (the running `ctgate`), which calls probe_libc_here(), and once more where that one
// waited: the machine may have stood still. Takes some milliseconds, with the bug 2 s. An error where no question
// reached the answerer, such as in a network namespace whose loopback interface is down.
[[nodiscard]] Expected<LibcProbe> probe_libc();

// In the child: one getaddrinfo(3) with single-request, a timeout of 1 s and one attempt against an answerer of its own
// on the loopback interface, which says SERVFAIL; prints what read_libc_probe() reads. /etc/resolv.conf, nsswitch.conf
// and RES_OPTIONS do not matter. Starts a thread.
Expected<void> probe_libc_here();

[[nodiscard]] std::optional<LibcProbe> read_libc_probe(const std::string& output);

}  // namespace ctgate::lookup

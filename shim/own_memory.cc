// SPDX-License-Identifier: GPL-2.0-or-later
#include "shim/own_memory.hh"

#include <linux/kcmp.h>

#include <atomic>

#include "shim/syscall.hh"

// pthread_atfork(3) without the start files that it needs.
// NOLINTNEXTLINE(bugprone-reserved-identifier): glibc's name
extern "C" int __register_atfork(void (*prepare)(), void (*parent)(), void (*child)(), void* library);

namespace ctgate::shim {
namespace {

constinit std::atomic<long> owner{0};  // process id

void note_owner() {
  owner.store(raw_syscall(__NR_getpid), std::memory_order_relaxed);
}

}  // namespace

void note_process() {
  note_owner();
  __register_atfork(nullptr, nullptr, note_owner, nullptr);
}

// kcmp(2) is asked as rarely as can be: a seccomp filter might kill the program for it.
bool in_memory_of_another() {
  const long self = raw_syscall(__NR_getpid);
  if (self == owner.load(std::memory_order_relaxed)) return false;
  return raw_syscall(__NR_kcmp, self, raw_syscall(__NR_getppid), KCMP_VM) == 0;
}

}  // namespace ctgate::shim

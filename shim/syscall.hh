// SPDX-License-Identifier: GPL-2.0-or-later
// System calls without libc: no errno, no cancellation point, and no other preload library in between (some refuse what
// comes through syscall(2)). The result is the kernel's: negative errno values for errors.
#pragma once

#include <asm/unistd.h>
#if !defined(__x86_64__) && !defined(__i386__) && !defined(__aarch64__)
#include <unistd.h>

#include <cerrno>
#endif

namespace ctgate::shim {

#if defined(__x86_64__)

inline long raw_syscall(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0) {
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  register long r9 asm("r9") = f;
  long result = 0;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  return result;
}

#elif defined(__aarch64__)

inline long raw_syscall(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0) {
  register long x8 asm("x8") = number;
  register long x0 asm("x0") = a;
  register long x1 asm("x1") = b;
  register long x2 asm("x2") = c;
  register long x3 asm("x3") = d;
  register long x4 asm("x4") = e;
  register long x5 asm("x5") = f;
  asm volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory", "cc");
  return x0;
}

#elif defined(__i386__)

// ebx and ebp are spoken for (position independent code, frame): saved by hand, arguments through memory.
inline long raw_syscall(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0) {
  const long arguments[6] = {a, b, c, d, e, f};
  long result = number;
  asm volatile(
      "push %%ebx\n\tpush %%ebp\n\tpush %%edi\n\tpush %%esi\n\t"
      "mov %%eax, %%esi\n\tmov %%ecx, %%eax\n\t"
      "mov 0(%%eax), %%ebx\n\tmov 4(%%eax), %%ecx\n\tmov 8(%%eax), %%edx\n\tmov 16(%%eax), %%edi\n\t"
      "mov 20(%%eax), %%ebp\n\tpush %%esi\n\tmov 12(%%eax), %%esi\n\tpop %%eax\n\t"
      "int $0x80\n\t"
      "pop %%esi\n\tpop %%edi\n\tpop %%ebp\n\tpop %%ebx"
      : "+a"(result)
      : "c"(arguments)
      : "edx", "memory", "cc");
  return result;
}

#else

inline long raw_syscall(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0) {
  const int saved = errno;
  const long result = ::syscall(number, a, b, c, d, e, f);
  const long error = errno;
  errno = saved;
  return result == -1 ? -error : result;
}

#endif

// getsockopt(2), getpeername(2) and their like; `which` is the number that socketcall(2) has for it, the only way in on
// i386 before Linux 4.3.
inline long socket_call([[maybe_unused]] long number, [[maybe_unused]] int which, long a, long b, long c, long d = 0,
                        long e = 0, long f = 0) {
#if defined(__i386__)
  const long arguments[6] = {a, b, c, d, e, f};
  return raw_syscall(__NR_socketcall, which, reinterpret_cast<long>(arguments));
#else
  return raw_syscall(number, a, b, c, d, e, f);
#endif
}

// Pointers as the kernel takes them.
template <typename T>
long word(T* pointer) {
  return reinterpret_cast<long>(pointer);
}

}  // namespace ctgate::shim

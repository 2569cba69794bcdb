// SPDX-License-Identifier: GPL-2.0-or-later
// What the library counts, in a form that another process can find: one such object is in the library's writable data,
// known by its magic, and `ctgate shim status PID` reads it from the process's memory (process_vm_readv(2)). It costs
// the host program no descriptor, thread or file.
#pragma once

#include <atomic>
#include <cstdint>

namespace ctgate::shim {

inline constexpr unsigned char status_magic[16] = {'c', 't', 'g', 'a',  't',  'e',  '-',  's',
                                                   'h', 'i', 'm', 0x1a, 0x03, 0x0e, 0x5d, '\n'};
inline constexpr std::uint32_t status_version = 1;

enum class Mode : std::uint32_t {
  starting = 0,  // the constructor has not run: hooks are plain system calls
  active = 1,
  disabled = 2,   // CTGATE_DISABLE=1
  skipped = 3,    // the program is in skip_programs
  sandboxed = 4,  // the program has set up a seccomp filter, or is about to
};

enum class PolicySource : std::uint32_t {
  built_in = 0,     // there is no image
  runtime = 1,      // image::runtime_path
  state = 2,        // image::state_path
  environment = 3,  // CTGATE_POLICY
  refused = 4,      // an image was there and is not used (damaged, foreign owner, other version): built-in defaults
};

// All counters since the program started; a forked child starts with its parent's.
struct Status {
  unsigned char magic[16];
  std::uint32_t version;
  std::uint32_t size;  // sizeof(Status)
  std::atomic<Mode> mode;
  std::atomic<PolicySource> policy;
  std::atomic<std::uint64_t> flows;       // leaders sent
  std::atomic<std::uint64_t> held;        // datagrams that waited
  std::atomic<std::uint64_t> held_us;     // microseconds, in total
  std::atomic<std::uint64_t> longest_us;  // the longest wait
  std::atomic<std::uint64_t> timed_out;   // waits that ended at max_wait: sent although the leader had not departed
  std::atomic<std::uint64_t> overflow;    // flows forgotten because the table was full
};

}  // namespace ctgate::shim

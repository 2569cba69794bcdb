// SPDX-License-Identifier: GPL-2.0-or-later
// What the library does inside a running process, read from its memory (shim/status.hh). The process bears no cost and
// is not stopped. It is not trusted: its memory and its maps may hold anything.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "policy/base/error.hh"
#include "shim/status.hh"

namespace ctgate::preload {

struct Mapping {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  bool readable = false;
  bool writable = false;
  std::string path;      // as the kernel prints it, without " (deleted)"; empty: anonymous
  bool deleted = false;  // removed or replaced since, e.g. by an upgrade

  bool operator==(const Mapping&) const = default;
};

// A line of /proc/PID/maps (proc_pid_maps(5)); nothing if it is not one.
[[nodiscard]] std::optional<Mapping> parse_mapping(std::string_view line);

// A path of libctgate.so, in any directory and with any version after its name.
[[nodiscard]] bool is_library_path(std::string_view path);

// The library's counters, copied.
struct Counters {
  std::uint32_t version = 0;  // if this is not shim::status_version, nothing below is known
  std::uint32_t mode = 0;     // shim::Mode, or any other number
  std::uint32_t policy = 0;   // shim::PolicySource, or any other number
  std::uint64_t flows = 0;
  std::uint64_t held = 0;
  std::uint64_t held_us = 0;
  std::uint64_t longest_us = 0;
  std::uint64_t timed_out = 0;
  std::uint64_t overflow = 0;

  [[nodiscard]] bool known() const { return version == shim::status_version; }
};

// Finds the status by its magic, at a multiple of 8 bytes from the beginning of `memory`. Of version
// shim::status_version only with the right size.
[[nodiscard]] std::optional<Counters> find_counters(std::span<const std::byte> memory);

struct ProcessStatus {
  bool loaded = false;
  std::string library;               // path, if loaded
  bool replaced = false;             // the file is not there any more
  std::optional<Counters> counters;  // nothing: no status in its memory, which is odd
  std::string why_not;               // why it is probably not loaded; a sentence
};

// Errors: ExitCode::usage if there is no such process, ExitCode::system if this user may not look into it (the message
// names the rule).
[[nodiscard]] Expected<ProcessStatus> read_process(pid_t pid);

}  // namespace ctgate::preload

// SPDX-License-Identifier: GPL-2.0-or-later
// One getaddrinfo(3) in a process of its own, as a program would make it: with plain libc, with an option of its
// resolver, or under the preload library.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "daemon/ctgate/preload/library.hh"
#include "policy/base/error.hh"
#include "policy/policy.hh"

namespace ctgate::preload {

// How a name is resolved.
struct LookupMode {
  std::string title;                 // for people: "libc", "libc, single-request", "ctgate c-ares"
  std::string res_options;           // added to RES_OPTIONS; empty: as it is
  std::optional<Resolver> resolver;  // under the library with this resolver; nothing: without the library
};

struct LookupResult {
  std::string error;                   // gai_strerror(3); empty: it worked
  std::vector<std::string> addresses;  // in libc's order, each once
  std::string canonical_name;          // empty: none
  std::chrono::microseconds duration{0};
  std::optional<unsigned> datagrams;  // that were sent; nothing where they could not be counted (datagram_count.hh)
  std::string path;  // what the library says: "resolved by c-ares, ...", "left to libc: ..."; empty without it
};

// libc alone, with each option that is used against the race, and under the library in all its modes.
[[nodiscard]] std::vector<LookupMode> all_lookup_modes();

// Runs `program lookup-child NAME` (the running `ctgate`), which calls look_up_here(), under `policy` but for its
// resolver. The library's line is in LookupResult::path.
[[nodiscard]] Expected<LookupResult> look_up(const std::string& name, const LookupMode& mode, const Library& library,
                                             const Policy& policy);

// In the child: getaddrinfo(3) for both families and streams, as most programs ask, in a child of its own whose
// datagrams are counted; prints what read_report() reads.
Expected<void> look_up_here(const std::string& name);

// What the child printed on its standard output and, with the library's lines, on its standard error.
[[nodiscard]] std::optional<LookupResult> read_report(const std::string& output, const std::string& errors);

}  // namespace ctgate::preload

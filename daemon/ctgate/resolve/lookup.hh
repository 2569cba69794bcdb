// SPDX-License-Identifier: GPL-2.0-or-later
// `ctgate resolve`: one getaddrinfo(3) in a new process, made as a program would make it: with plain libc, with an
// option of its resolver, or under the preload library. What --explain and --compare measure in addition is in
// instruments/; a plain lookup uses none of that.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "daemon/ctgate/preload/library.hh"
#include "policy/base/error.hh"
#include "policy/policy.hh"

namespace ctgate::lookup {

// What lookups under the library use; of the policy, everything but its resolver.
struct Setup {
  preload::Library library;
  Policy policy;
};

// How a name is resolved.
struct Mode {
  std::string title{};                 // for people: "libc", "libc, single-request", "ctgate, c-ares"
  std::string res_options{};           // added to RES_OPTIONS; empty: unchanged
  std::optional<Resolver> resolver{};  // under the library with this resolver; nothing: without the library
  bool count_datagrams = false;        // by instruments/datagram_count.hh
};

// Under the library, as the policy says.
[[nodiscard]] Mode mode_of(const Policy& policy);

struct Result {
  std::string error{};                   // from gai_strerror(3); empty: no error
  std::vector<std::string> addresses{};  // in libc's order, each once
  std::string canonical_name{};          // empty: none
  std::chrono::microseconds duration{0};
  std::optional<unsigned> datagrams{};  // sent; nothing where they were not counted, or could not be
  std::string path{};  // what the library says: "resolved by c-ares, ...", "left to libc: ...", or nothing

  [[nodiscard]] double milliseconds() const;
};

// Runs `/proc/self/exe lookup-child NAME`, which calls look_up_here().
[[nodiscard]] Expected<Result> look_up(const std::string& name, const Mode& mode, const Setup& setup);

// In the child: getaddrinfo(3) for both families and streams, as most programs ask; prints what read_report() reads.
void look_up_here(const std::string& name);

// What the child printed on standard output and, with the library's line, on standard error.
[[nodiscard]] std::optional<Result> read_report(const std::string& output, const std::string& errors);

}  // namespace ctgate::lookup

// SPDX-License-Identifier: GPL-2.0-or-later
// The policy file that a command was given, or the default one.
#pragma once

#include <string>

#include "policy/base/error.hh"
#include "policy/policy.hh"

namespace ctgate::cli {

struct PolicyFile {
  Policy policy;
  std::string title;  // the file, followed by "(built-in defaults)" if there is none
  bool defaults = false;
};

inline constexpr auto policy_file_help =
    "Policy file; default /etc/ctgate/policy.toml, or the built-in defaults if that file does not exist";

// An empty `file` means the default one, which may be absent.
[[nodiscard]] Expected<PolicyFile> load_policy_file(const std::string& file);

// Prints an error of load_policy_file() and returns its exit code. Diagnostics go out as "file:line:column: ..."
// without a prefix, as compilers do, so that editors find the place.
ExitCode report_policy_error(const Error& error);

}  // namespace ctgate::cli

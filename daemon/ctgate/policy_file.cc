// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/ctgate/policy_file.hh"

#include <fmt/format.h>

#include <filesystem>
#include <iostream>
#include <system_error>
#include <utility>

#include "daemon/ctgate/commands.hh"
#include "policy/toml/parse.hh"

namespace ctgate::cli {

Expected<PolicyFile> load_policy_file(const std::string& file) {
  const std::string path = file.empty() ? std::string(default_policy_path) : file;
  auto policy = load_policy(path, !file.empty());
  if (!policy) return tl::unexpected(policy.error());
  std::error_code ignored;
  if (!file.empty() || std::filesystem::exists(path, ignored)) return PolicyFile{std::move(*policy), path, false};
  return PolicyFile{std::move(*policy), fmt::format("{} (built-in defaults)", path), true};
}

ExitCode report_policy_error(const Error& error) {
  if (!error.message.ends_with('\n')) return report(error);  // only a list of diagnostics ends with a newline
  std::cerr << error.message;
  return error.code;
}

}  // namespace ctgate::cli

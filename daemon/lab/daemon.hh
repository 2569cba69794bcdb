// SPDX-License-Identifier: GPL-2.0-or-later
// The real ctgated, started in a namespace of the lab.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "daemon/lab/namespace.hh"
#include "policy/base/error.hh"
#include "policy/base/file_descriptor.hh"
#include "policy/base/io.hh"
#include "policy/base/process.hh"

namespace ctgate::lab {

// `ctgated` next to the running program, else in ../sbin, else in PATH.
[[nodiscard]] Expected<std::filesystem::path> find_ctgated();

struct DaemonOptions {
  std::string policy = {};                   // TOML; empty: the defaults
  std::vector<std::string> extra_args = {};  // after --netns, --runtime-dir and --policy
};

// Owns a running daemon. The destructor stops it (SIGTERM, and SIGKILL after 5 s).
class Daemon {
 public:
  // On return the daemon reports "running". The error for one that does not come up includes the end of its log. Start
  // it from a thread that outlives it (policy/base/process.hh).
  [[nodiscard]] static Expected<Daemon> start(const NetworkNamespace& where, const DaemonOptions& options = {});

  Daemon(Daemon&& other) noexcept
      : process_(std::move(other.process_)),
        log_(std::move(other.log_)),
        directory_(std::exchange(other.directory_, {})) {}
  Daemon& operator=(Daemon&&) = delete;
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;
  ~Daemon();

  [[nodiscard]] pid_t pid() const { return process_.pid(); }
  [[nodiscard]] bool running() { return process_.running(); }
  [[nodiscard]] const std::filesystem::path& runtime_directory() const { return directory_; }
  [[nodiscard]] std::filesystem::path policy_path() const { return directory_ / "policy.toml"; }

  // The answer to {"command":"status"}.
  [[nodiscard]] Expected<nlohmann::json> status() const;

  // Everything it wrote to standard error.
  [[nodiscard]] std::string log() const { return content_of(log_.get()); }

  // Returns the exit status, as Process::wait() does.
  int stop() { return process_.stop(); }

 private:
  Daemon(Process process, FileDescriptor log, std::filesystem::path directory)
      : process_(std::move(process)), log_(std::move(log)), directory_(std::move(directory)) {}
  Expected<void> wait_until_running();

  Process process_;
  FileDescriptor log_;
  std::filesystem::path directory_;  // policy, control socket and log; owned
};

}  // namespace ctgate::lab

// SPDX-License-Identifier: GPL-2.0-or-later
// A copy of this machine for one process and its children: a place where a library may be in /etc/ld.so.preload.
//
// Everything is as on the host, except that changes below /etc and /var go to memory (overlayfs), /run and /tmp are
// empty, the host is called "compat" and has a user "compat", and the network is a loopback device which also has
// 192.0.2.1 and 2001:db8::1, so that flows to them are not loopback flows for ctgate. All of it vanishes with the
// process.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "policy/base/error.hh"

namespace ctgate::test {

struct Outcome {
  int exit_status = 0;  // 128 + number for a signal
  std::string output;   // stdout
  std::string errors;   // stderr
  bool operator==(const Outcome&) const = default;
};

class PrivateSystem {
 public:
  // Moves the calling process, which is in the sandbox of lab::run_isolated() and has no threads, into such a system;
  // there is no way back. `library`, the resolver library next to it if there is one, and the files of the directory
  // `scripts` are copied to where every user may read them. An error where the kernel refuses, e.g. in a container
  // without overlayfs. Later calls give the first result.
  [[nodiscard]] static const Expected<void>& enter(const std::filesystem::path& library,
                                                   const std::filesystem::path& scripts);

  // Runs a script of that directory with bash, in an empty directory that all users may write to, its home, and with an
  // environment that is always the same; with the library in /etc/ld.so.preload or without. It is the first process of
  // a PID namespace, so that nothing that it started outlives it. Throws if it takes longer than `limit`.
  [[nodiscard]] static Outcome run(const std::string& script, bool preload, std::chrono::milliseconds limit);
};

}  // namespace ctgate::test

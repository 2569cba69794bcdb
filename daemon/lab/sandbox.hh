// SPDX-License-Identifier: GPL-2.0-or-later
// A place where the lab can leave nothing behind: private mounts, and a PID namespace that takes every process with it.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "policy/base/error.hh"

namespace ctgate::lab {

// Where ip-netns(8) and `ctgated --netns NAME` look for named network namespaces.
inline constexpr std::string_view namespace_directory = "/run/netns";

// Whether this process may make namespaces: CAP_SYS_ADMIN and CAP_NET_ADMIN.
[[nodiscard]] Expected<void> check_privileges();

// Runs `body` in a child that is the first process of a new PID namespace and has called enter_private_mounts(). When
// that child ends, for whatever reason, the kernel kills everything it started, including daemons that left their
// parent or changed their user (PR_SET_PDEATHSIG survives neither), and with the last process go the mounts, the named
// network namespaces and the scratch files.
//
// SIGINT, SIGTERM, SIGHUP and SIGQUIT kill the child at once; the result is then 128 + the signal's number. Otherwise
// it is the child's exit status. The same holds without clean-up code when the caller itself is killed.
// The calling process must have no other threads. See pid_namespaces(7).
[[nodiscard]] Expected<int> run_isolated(const std::function<int()>& body);

// Moves the calling process into its own mount namespace, with an empty tmpfs on /run/netns, so that network namespaces
// named there exist for this process and its children only. To be called before any thread is started. The directory is
// made if it is missing; run_isolated() removes it again, this function alone does not.
[[nodiscard]] Expected<void> enter_private_mounts();

// A new directory (mode 0755) below the private tmpfs; it vanishes with the sandbox.
[[nodiscard]] Expected<std::filesystem::path> make_scratch_directory();

// "ctgate-<pid>-<n>-<role>": the pid is the one outside of the PID namespace, n counts up.
[[nodiscard]] std::string unique_name(std::string_view role);

}  // namespace ctgate::lab

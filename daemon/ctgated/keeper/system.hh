// SPDX-License-Identifier: GPL-2.0-or-later
// What a daemon asks of the system around it: privileges, sysctls, log, service manager.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "policy/base/error.hh"

namespace ctgate::daemon {

// An error that says what is needed, unless CAP_NET_ADMIN is in effect.
[[nodiscard]] Expected<void> require_net_admin();

// Gives up every capability but CAP_NET_ADMIN, for good. `for_iptables`: keeps CAP_NET_RAW too (legacy iptables opens a
// raw socket), and both for the programs that are started. Also sets no_new_privs.
[[nodiscard]] Expected<void> drop_privileges(bool for_iptables);

// A number below /proc/sys, of the network namespace of the calling thread; empty where it does not exist.
[[nodiscard]] std::optional<long> read_sysctl(std::string_view name);

// The log: stderr. Where that is connected to the journal (JOURNAL_STREAM, systemd.exec(5)) each line begins with its
// priority as sd-daemon(3) has it. Not the journal's own socket: libsystemd does not give out its descriptor, and a
// worker closes what it does not know.
void set_up_log(bool debug);

// sd_notify(3), if the service manager asks for it.
void notify_service_manager(const std::string& state);

// How often the service manager expects "WATCHDOG=1" at least, if it does (sd_watchdog_enabled(3)).
[[nodiscard]] std::optional<std::chrono::microseconds> watchdog_interval();

}  // namespace ctgate::daemon

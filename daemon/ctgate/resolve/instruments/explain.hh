// SPDX-License-Identifier: GPL-2.0-or-later
// `ctgate resolve --explain`: a lookup with its datagrams counted, and a test of libc for glibc's bug 30081.
#pragma once

#include "daemon/ctgate/resolve/instruments/libc_probe.hh"
#include "daemon/ctgate/resolve/lookup.hh"

namespace ctgate::lookup {

// A problem if the name cannot be resolved.
[[nodiscard]] Expected<ExitCode> explain(const std::string& name, const Setup& setup, bool json);

// "unknown" where they could not be counted.
[[nodiscard]] std::string datagrams_of(const Result& result);

// One line of text about the bug, with its label.
[[nodiscard]] std::string to_text(const Expected<LibcProbe>& probe);

}  // namespace ctgate::lookup

// SPDX-License-Identifier: GPL-2.0-or-later
// What libc's own resolver is told. No hook reaches it: since glibc 2.34 it sends from inside libc.so. But it reads the
// variable RES_OPTIONS (resolv.conf(5)) whenever it reads its configuration, in every thread, and "single-request"
// makes it ask for AAAA only after the answer for A.
//
// Children inherit the variable. Go programs that use cgo prefer libc's resolver to Go's own where it is set.
#pragma once

#include <cstddef>

#include "policy/image/image.hh"

namespace ctgate::shim {

// The value to set, or nullptr where `existing` (which may be nullptr) already mentions it, or does not fit into
// `buffer`. What is there stays, and comes first.
const char* add_libc_option(const char* existing, image::LibcOption option, char* buffer, std::size_t size);

}  // namespace ctgate::shim

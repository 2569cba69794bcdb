// SPDX-License-Identifier: GPL-2.0-or-later
// The way from the hook of getaddrinfo(3) to libctgate-resolver.so, which is loaded when a program first asks for both
// address families of a name, and never in a program that does not resolve names.
#pragma once

#include <netdb.h>

#include "shim/settings.hh"

namespace ctgate::shim {

// True: `error` and, without an error, `*result` are the answer. False: the call is libc's.
// Only with an active library; may allocate, as getaddrinfo(3) does.
bool resolve(const Settings& settings, const char* node, const char* service, const addrinfo* hints, addrinfo** result,
             int& error);

}  // namespace ctgate::shim

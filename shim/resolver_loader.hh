// SPDX-License-Identifier: GPL-2.0-or-later
// The way from the hook of getaddrinfo(3) to libctgate-resolver.so, which is loaded when a program first asks for both
// address families of a name, and never in a program that does not resolve names.
#pragma once

#include <netdb.h>

#include "shim/settings.hh"

namespace ctgate::shim {

// Called by the constructor. A program that then changes its root directory gets no library from there, where others
// may have put it: what is not loaded by then is left to libc (as glibc does with its modules, nss/nss_database.c).
void remember_root();

// The program says which services libc asks for names (__nss_configure_lookup(), getent -s): left to libc from now on.
void leave_to_libc();

// True: `error` and, without an error, `*result` are the answer. False: the call is left to libc.
// Only with an active library; may allocate, as getaddrinfo(3) does.
bool resolve(const Settings& settings, const char* node, const char* service, const addrinfo* hints, addrinfo** result,
             int& error);

}  // namespace ctgate::shim

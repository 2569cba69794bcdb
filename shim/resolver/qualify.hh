// SPDX-License-Identifier: GPL-2.0-or-later
// Which calls c-ares may answer: each function looks at one thing and returns nullptr, or a static text that says why
// the call is left to libc; when in doubt, it is. Pure: resolve.cc and machine.cc gather what these functions look at.
#pragma once

#include <netdb.h>

#include <span>

namespace ctgate::resolver {

using Text = std::span<const char>;

// What the program asked for: it must be a name, for both families, with flags that change nothing else.
[[nodiscard]] const char* judge_request(const char* node, const addrinfo* hints);

// A host name and not an address in any notation: letters, digits, '-', '_' and '.', with labels and length within the
// limits of RFC 1035. A trailing dot is allowed.
[[nodiscard]] bool is_plain_name(const char* name);

// The same for a search domain: it may also look like a number or begin with '-'.
[[nodiscard]] bool is_label_list(const char* name);

// Whether AI_CANONIDN asks for this name in a form that only libc can give, with libidn2: it has an xn-- label.
[[nodiscard]] bool needs_decoding(const char* canonical, int flags);

// nsswitch.conf(5): must have "hosts: files dns" and nothing else for hosts.
[[nodiscard]] const char* judge_nsswitch(Text file);

// gai.conf(5): must have no line but comments.
[[nodiscard]] const char* judge_gai(Text file);

// resolv.conf(5): must not have the option single-request or single-request-reopen. Whoever wrote it there may have a
// server or a firewall that takes one question at a time. (In RES_OPTIONS it comes from libctgate.so.)
[[nodiscard]] const char* judge_resolv_conf(Text file);

// hosts(5): libc answers for the names in it without sending anything. The place in the line is not looked at; that
// errs on the safe side.
[[nodiscard]] bool hosts_has(Text file, const char* name);

}  // namespace ctgate::resolver

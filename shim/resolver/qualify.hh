// SPDX-License-Identifier: GPL-2.0-or-later
// Which calls c-ares may answer: each function looks at one thing and returns nullptr, or a static text that says why
// the call is left to libc; when in doubt, it is. Pure: resolve.cc and machine.cc gather what these functions look at.
#pragma once

#include <netdb.h>

#include <span>

namespace ctgate::resolver {

using Text = std::span<const char>;

// By what the program asked for: a name to resolve for both families, with flags that change nothing else.
[[nodiscard]] const char* judge_request(const char* node, const addrinfo* hints);

// A host name that is no address in any notation, of letters, digits, '-', '_' and '.', labels and length as RFC 1035
// has them; a trailing dot may be.
[[nodiscard]] bool is_plain_name(const char* name);

// The same, but numbers and a '-' in front are allowed: a search domain.
[[nodiscard]] bool is_label_list(const char* name);

// Whether AI_CANONIDN asks for a canonical name that libc decodes with libidn2: one with an xn-- label.
[[nodiscard]] bool needs_decoding(const char* canonical, int flags);

// nsswitch.conf(5): "hosts: files dns" and nothing else.
[[nodiscard]] const char* judge_nsswitch(Text file);

// gai.conf(5): no line that says anything.
[[nodiscard]] const char* judge_gai(Text file);

// resolv.conf(5): no option single-request or single-request-reopen. Whoever wrote it there may have a server, or a
// firewall, that takes one question at a time. (In RES_OPTIONS it is ours.)
[[nodiscard]] const char* judge_resolv_conf(Text file);

// hosts(5): libc answers for a name that is in it, with no datagram. Anywhere in a line: that suffices to be careful.
[[nodiscard]] bool hosts_has(Text file, const char* name);

}  // namespace ctgate::resolver

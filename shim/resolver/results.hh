// SPDX-License-Identifier: GPL-2.0-or-later
// The list that getaddrinfo(3) returns: for each address in order, one entry for each kind of socket.
#pragma once

#include <netdb.h>

#include "shim/resolver/order.hh"

namespace ctgate::resolver {

// Makes a list for freeaddrinfo(3); each entry is one block of memory with its address at the end. `services` gives the
// kinds of sockets and the port: libc's result for a numeric IPv4 address with the same service. The routes are sorted
// by compare(). The first entry gets a copy of `canonical`, which may be nullptr. Returns nullptr if there is no
// memory.
[[nodiscard]] addrinfo* make_results(const List<Route>& routes, const addrinfo* services, int flags,
                                     const char* canonical);

}  // namespace ctgate::resolver

// SPDX-License-Identifier: GPL-2.0-or-later
// The list that getaddrinfo(3) returns: for each address, in order, an entry for each kind of socket.
#pragma once

#include <netdb.h>

#include "shim/resolver/order.hh"

namespace ctgate::resolver {

// Makes a list for libc's freeaddrinfo(3), each entry with its address behind it in one block. `services` has the kinds
// of sockets and the port: what libc says of a numeric IPv4 address with this service. `canonical` may be nullptr; it
// is given to the first entry. The routes are sorted as compare() says, as they came where there is only one.
// nullptr: no memory.
[[nodiscard]] addrinfo* make_results(const List<Route>& routes, const addrinfo* services, int flags,
                                     const char* canonical);

}  // namespace ctgate::resolver

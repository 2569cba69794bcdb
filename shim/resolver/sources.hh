// SPDX-License-Identifier: GPL-2.0-or-later
// Which of our addresses would be used to reach each destination. As in glibc's getaddrinfo(3), connect(2) on a UDP
// socket tells; it sends nothing.
#pragma once

#include "shim/resolver/interfaces.hh"
#include "shim/resolver/order.hh"

namespace ctgate::resolver {

// One route for each destination, in the same order. The caller owns `native`, which is scratch memory. False: no
// memory.
[[nodiscard]] bool find_routes(const HostAddressList& destinations, const Interfaces& interfaces, List<Route>& routes,
                               List<std::uint32_t>& native);

}  // namespace ctgate::resolver

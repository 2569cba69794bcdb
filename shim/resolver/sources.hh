// SPDX-License-Identifier: GPL-2.0-or-later
// Which of our addresses would speak to each destination: connect(2) on a UDP socket, which sends nothing. As glibc's
// getaddrinfo(3) does it.
#pragma once

#include "shim/resolver/interfaces.hh"
#include "shim/resolver/order.hh"

namespace ctgate::resolver {

// One route for each destination, in their order. `native` is scratch memory of the caller's. False: no memory.
[[nodiscard]] bool find_routes(const HostAddressList& destinations, const Interfaces& interfaces, List<Route>& routes,
                               List<std::uint32_t>& native);

}  // namespace ctgate::resolver

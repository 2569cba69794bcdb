// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "shim/resolver/transport.hh"

namespace ctgate::resolver {

// For ares_set_socket_functions(3), whose user data is the Transport.
extern const ares_socket_functions socket_functions;

}  // namespace ctgate::resolver

// SPDX-License-Identifier: GPL-2.0-or-later
// The name servers, the search list and the timeouts for one call. libc itself reads them from resolv.conf(5),
// RES_OPTIONS and LOCALDOMAIN, by res_ninit(3): no second parser can disagree with it, and changes are noticed.
#pragma once

#include <netinet/in.h>

#include "shim/resolver/host_address.hh"
#include "shim/resolver/search.hh"

namespace ctgate::resolver {

struct NameServer {
  HostAddress address;
  std::uint16_t port = 0;  // host order
};

struct Configuration {
  static constexpr std::size_t most_servers = 3;  // MAXNS of <resolv.h>
  NameServer servers[most_servers];
  unsigned server_count = 0;
  unsigned timeout = 5;   // seconds
  unsigned attempts = 2;  // each through all servers
  bool rotate = false;
  SearchList search;  // points into `names`
  char names[256] = {};

  // How long to wait for `server`, in seconds. As in glibc (send_dg() in resolv/res_send.c), later servers get more
  // time, later attempts don't.
  [[nodiscard]] unsigned timeout_of(unsigned server) const {
    const unsigned seconds = server > 0 ? (timeout << server) / server_count : timeout;
    return seconds == 0 ? 1 : seconds;
  }
};

// nullptr, or why the call is left to libc. If `careful`, options that only change what is sent are a reason too.
[[nodiscard]] const char* read_configuration(bool careful, Configuration& configuration);

}  // namespace ctgate::resolver

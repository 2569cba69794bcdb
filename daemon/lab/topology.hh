// SPDX-License-Identifier: GPL-2.0-or-later
// The network that every scenario runs in.
//
//   client ----------------- gateway ----------------- server
//   eth0  10.99.1.2          client0 10.99.1.1         eth0 10.99.2.2 (backend 0)
//         fd00:99:1::2               fd00:99:1::1           10.99.2.3 (backend 1)
//                            server0 10.99.2.1              fd00:99:2::2, fd00:99:2::3
//                                    fd00:99:2::1
//
// The gateway forwards both families. The service addresses 10.99.9.9 and fd00:99:9::9 belong to nobody: they are
// routed to the gateway, for DNAT to translate. Neighbours are permanent and duplicate address detection is off, so
// nothing but the traffic under test crosses the links.
#pragma once

#include <array>
#include <string>

#include "daemon/lab/namespace.hh"
#include "policy/address.hh"
#include "policy/base/error.hh"

namespace ctgate::lab {

// Whether this kernel has IPv6 at all; without it a Topology has IPv4 only.
[[nodiscard]] bool ipv6_available();

class Topology {
 public:
  struct Addresses {
    Address client;
    Address gateway_client_side;
    Address gateway_server_side;
    std::array<Address, 2> backends;
    Address service;
  };

  // Needs ip(8), and a sandbox (sandbox.hh). On return datagrams pass in both directions.
  [[nodiscard]] static Expected<Topology> create();

  [[nodiscard]] static Addresses addresses(Family family);

  [[nodiscard]] const NetworkNamespace& client() const { return client_; }
  [[nodiscard]] const NetworkNamespace& gateway() const { return gateway_; }
  [[nodiscard]] const NetworkNamespace& server() const { return server_; }

 private:
  Topology(NetworkNamespace client, NetworkNamespace gateway, NetworkNamespace server)
      : client_(std::move(client)), gateway_(std::move(gateway)), server_(std::move(server)) {}
  NetworkNamespace client_;
  NetworkNamespace gateway_;
  NetworkNamespace server_;
};

// NAT on the gateway, as text for NetworkNamespace::nft() there. Each is a table `nat` of its family.
namespace nat {

[[nodiscard]] std::string tracking_only(Family family);  // no NAT: just a rule that makes conntrack work

[[nodiscard]] std::string masquerade(Family family, bool fully_random);  // what leaves towards the server

// Service address to backend 0 and backend 1 in turn, flow by flow; for forwarded datagrams, or the gateway's own.
[[nodiscard]] std::string dnat_to_backends(Family family, bool own_output);

}  // namespace nat
}  // namespace ctgate::lab

// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/lab/topology.hh"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <utility>
#include <vector>

#include "daemon/lab/endpoint.hh"
#include "policy/base/file_descriptor.hh"
#include "policy/base/find_program.hh"
#include "policy/base/run_program.hh"

namespace ctgate::lab {
namespace {

using Clock = std::chrono::steady_clock;

// Link-layer addresses, fixed for the permanent neighbour entries.
constexpr const char* client_mac = "02:00:00:00:01:02";
constexpr const char* gateway_client_mac = "02:00:00:00:01:01";
constexpr const char* gateway_server_mac = "02:00:00:00:02:01";
constexpr const char* server_mac = "02:00:00:00:02:02";

std::vector<Family> families() {
  return ipv6_available() ? std::vector{Family::ipv4, Family::ipv6} : std::vector{Family::ipv4};
}

std::string add_address(const Address& address, const char* device) {
  return address.family == Family::ipv4 ? fmt::format("address add {}/24 dev {}\n", address.to_string(), device)
                                        : fmt::format("address add {}/64 dev {} nodad\n", address.to_string(), device);
}

std::string add_neighbour(const Address& address, const char* mac, const char* device) {
  return fmt::format("neigh replace {} lladdr {} dev {} nud permanent\n", address.to_string(), mac, device);
}

// ip(8) takes the family from the address except for "default".
std::string add_route(const std::string& destination, const Address& via, const char* device) {
  return fmt::format("route add {} via {} dev {}\n", destination, via.to_string(), device);
}

std::string default_route(Family family) {
  return family == Family::ipv4 ? "0.0.0.0/0" : "::/0";
}

std::string gateway_commands(const std::string& client, const std::string& server) {
  std::string text = "link set lo up\n";
  text += fmt::format("link add name client0 address {} type veth peer name eth0 address {} netns {}\n",
                      gateway_client_mac, client_mac, client);
  text += fmt::format("link add name server0 address {} type veth peer name eth0 address {} netns {}\n",
                      gateway_server_mac, server_mac, server);
  text += "link set client0 up\nlink set server0 up\n";
  for (const Family family : families()) {
    const auto at = Topology::addresses(family);
    text += add_address(at.gateway_client_side, "client0") + add_address(at.gateway_server_side, "server0");
    text += add_neighbour(at.client, client_mac, "client0");
    for (const auto& backend : at.backends) text += add_neighbour(backend, server_mac, "server0");
    // A local sender's connect(2) asks for a route before DNAT in OUTPUT has said where the datagram really goes.
    text += add_route(at.service.to_string(), at.backends[0], "server0");
  }
  return text;
}

std::string client_commands() {
  std::string text = "link set lo up\nlink set eth0 up\n";
  for (const Family family : families()) {
    const auto at = Topology::addresses(family);
    text += add_address(at.client, "eth0") + add_neighbour(at.gateway_client_side, gateway_client_mac, "eth0");
    text += add_route(default_route(family), at.gateway_client_side, "eth0");
  }
  return text;
}

std::string server_commands() {
  std::string text = "link set lo up\nlink set eth0 up\n";
  for (const Family family : families()) {
    const auto at = Topology::addresses(family);
    for (const auto& backend : at.backends) text += add_address(backend, "eth0");
    text += add_neighbour(at.gateway_server_side, gateway_server_mac, "eth0");
    text += add_route(default_route(family), at.gateway_server_side, "eth0");
  }
  return text;
}

Expected<void> set_sysctls(const NetworkNamespace& where, bool forwarding) {
  // A new namespace inherits the host's IPv4 settings (net.core.devconf_inherit_init_net): set all that matter.
  std::vector<std::pair<std::string, const char*>> values{{"net/ipv4/conf/all/rp_filter", "0"},
                                                          {"net/ipv4/conf/default/rp_filter", "0"},
                                                          {"net/ipv4/ip_forward", forwarding ? "1" : "0"}};
  if (ipv6_available()) {
    for (const char* scope : {"all", "default"}) {
      const std::string directory = fmt::format("net/ipv6/conf/{}/", scope);
      values.insert(values.end(), {{directory + "disable_ipv6", "0"}, {directory + "accept_dad", "0"}});
    }
    values.emplace_back("net/ipv6/conf/all/forwarding", forwarding ? "1" : "0");
  }
  for (const auto& [key, value] : values) {
    if (auto done = where.set_sysctl(key, value); !done) return done;
  }
  return {};
}

Expected<void> configure(const NetworkNamespace& where, const std::string& commands) {
  const auto result = run_program({"ip", "-n", where.name(), "-batch", "-"}, {.input = commands});
  if (!result) return tl::unexpected(result.error());
  if (result->exit_code != 0) return system_error("configure the lab's network: ip -batch: " + result->output);
  return {};
}

// A datagram to a closed port comes back as ECONNREFUSED: proof that both directions pass. Until the kernel's link
// watch has seen the carrier, a device's queueing discipline drops everything, and no flag tells when that is over.
Expected<void> wait_until_passing(const NetworkNamespace& client, const Address& server) {
  constexpr std::uint16_t discard_port = 9;
  const FileDescriptor socket(
      client.run([&] { return ::socket(socket_domain(server.family), SOCK_DGRAM | SOCK_CLOEXEC, 0); }));
  if (!socket) return errno_error("open a UDP socket", errno);
  const SocketAddress target = to_socket_address({server, discard_port});
  const auto deadline = Clock::now() + std::chrono::seconds(5);
  bool connected = false;
  while (Clock::now() < deadline) {
    if (!connected) connected = ::connect(socket.get(), target.get(), target.size) == 0;
    if (connected && ::send(socket.get(), "", 1, 0) < 0 && errno == ECONNREFUSED) return {};
    pollfd answer{socket.get(), POLLIN, 0};
    if (::poll(&answer, 1, 10) > 0) {
      char byte = 0;
      if (::recv(socket.get(), &byte, 1, MSG_DONTWAIT) < 0 && errno == ECONNREFUSED) return {};
    }
  }
  return system_error(fmt::format("the lab's network does not pass datagrams to {} within 5 s", server.to_string()));
}

Address address(const char* text) {
  return Address::parse(text).value();
}

const char* nft_family(Family family) {
  return family == Family::ipv4 ? "ip" : "ip6";
}

}  // namespace

bool ipv6_available() {
  return ::access("/proc/sys/net/ipv6/conf/all/forwarding", F_OK) == 0;
}

Topology::Addresses Topology::addresses(Family family) {
  if (family == Family::ipv4) {
    return {address("10.99.1.2"),
            address("10.99.1.1"),
            address("10.99.2.1"),
            {address("10.99.2.2"), address("10.99.2.3")},
            address("10.99.9.9")};
  }
  return {address("fd00:99:1::2"),
          address("fd00:99:1::1"),
          address("fd00:99:2::1"),
          {address("fd00:99:2::2"), address("fd00:99:2::3")},
          address("fd00:99:9::9")};
}

Expected<Topology> Topology::create() {
  if (!find_program("ip")) return system_error("ip(8) is not installed: install the package iproute2 (or iproute)");
  auto client = NetworkNamespace::create("client");
  if (!client) return tl::unexpected(client.error());
  auto gateway = NetworkNamespace::create("gateway");
  if (!gateway) return tl::unexpected(gateway.error());
  auto server = NetworkNamespace::create("server");
  if (!server) return tl::unexpected(server.error());
  Topology topology(std::move(*client), std::move(*gateway), std::move(*server));

  auto ready =
      set_sysctls(topology.client_, false)
          .and_then([&] { return set_sysctls(topology.gateway_, true); })
          .and_then([&] { return set_sysctls(topology.server_, false); })
          .and_then([&] {
            return configure(topology.gateway_, gateway_commands(topology.client_.name(), topology.server_.name()));
          })
          .and_then([&] { return configure(topology.client_, client_commands()); })
          .and_then([&] { return configure(topology.server_, server_commands()); });
  for (const Family family : families()) {
    ready =
        std::move(ready).and_then([&] { return wait_until_passing(topology.client_, addresses(family).backends[0]); });
  }
  if (!ready) return tl::unexpected(ready.error());
  return topology;
}

std::string nat::tracking_only(Family family) {
  return fmt::format(
      "table {} nat {{\n chain forward {{ type filter hook forward priority 0; ct state new accept; }}\n}}\n",
      nft_family(family));
}

std::string nat::masquerade(Family family, bool fully_random) {
  return fmt::format(
      "table {} nat {{\n chain postrouting {{ type nat hook postrouting priority 100; oifname \"server0\" "
      "masquerade{}; "
      "}}\n}}\n",
      nft_family(family), fully_random ? " fully-random" : "");
}

std::string nat::dnat_to_backends(Family family, bool own_output) {
  const auto at = Topology::addresses(family);
  return fmt::format(
      "table {0} nat {{\n chain {1} {{ type nat hook {1} priority -100; {0} daddr {2} dnat to numgen inc mod 2 map {{ "
      "0 : "
      "{3}, 1 : {4} }}; }}\n}}\n",
      nft_family(family), own_output ? "output" : "prerouting", at.service.to_string(), at.backends[0].to_string(),
      at.backends[1].to_string());
}

}  // namespace ctgate::lab

// SPDX-License-Identifier: GPL-2.0-or-later
// Fixture of the net tests: client, gateway and server, a third party on the gateway, and the real ctgated.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "daemon/lab/conntrack_stats.hh"
#include "daemon/lab/consumer.hh"
#include "daemon/lab/daemon.hh"
#include "daemon/lab/namespace.hh"
#include "daemon/lab/servers.hh"
#include "daemon/lab/third_party.hh"
#include "daemon/lab/topology.hh"
#include "daemon/lab/traffic.hh"

namespace ctgate::test {

// The value, or a test failure with the error's text (by exception, which GoogleTest reports).
template <typename T>
T must(Expected<T>&& result) {
  if (!result) throw std::runtime_error(result.error().message);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

// Polls until `condition` holds; false after `timeout`.
[[nodiscard]] bool eventually(const std::function<bool()>& condition,
                              std::chrono::milliseconds timeout = std::chrono::seconds(5));

class GatewayTest : public ::testing::Test {
 protected:
  static constexpr std::uint16_t third_party_queue = 1;
  static constexpr std::uint16_t server_port = 9000;

  [[nodiscard]] const lab::NetworkNamespace& client() const { return topology.client(); }
  [[nodiscard]] const lab::NetworkNamespace& gateway() const { return topology.gateway(); }
  [[nodiscard]] const lab::NetworkNamespace& server() const { return topology.server(); }

  // NAT rules on the gateway; text of daemon/lab/topology.hh's nat.
  void nat(const std::string& rules) { must(gateway().nft(rules)); }
  void third_party(const lab::ConsumerOptions& options, const lab::ThirdPartyRule& rule = {});
  void serve(const lab::ServerOptions& options = {});
  void start_ctgated(const lab::DaemonOptions& options = {}) {
    ctgated.emplace(must(lab::Daemon::start(gateway(), options)));
  }

  // Bursts to the first backend, or to `target`.
  lab::BurstResult burst(const lab::BurstOptions& options, std::optional<Address> target = std::nullopt);

  // One counter of `ctgate status`.
  [[nodiscard]] std::uint64_t counter(const char* key) const;
  // Elements of one of ctgate's sets on the gateway, both families.
  [[nodiscard]] std::size_t elements(const std::string& set) const;
  [[nodiscard]] std::uint64_t clashes() const { return must(lab::read_conntrack_stats(gateway())).clash_resolve; }

  lab::Topology topology = must(lab::Topology::create());
  std::unique_ptr<lab::DelayingConsumer> consumer;
  std::unique_ptr<lab::Servers> servers;
  std::optional<lab::Daemon> ctgated;
};

// A bound UDP socket inside a namespace, for what bursts can't do.
class UdpSocket {
 public:
  explicit UdpSocket(const lab::NetworkNamespace& where, Family family = Family::ipv4);
  void bind(const Endpoint& endpoint) const;
  void connect(const Endpoint& endpoint) const;
  void send(std::string_view payload) const;
  void send_to(const Endpoint& endpoint, std::string_view payload) const;
  // The next datagram, or nothing within `timeout`.
  [[nodiscard]] std::optional<std::string> receive(std::chrono::milliseconds timeout) const;
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  FileDescriptor fd_;
};

}  // namespace ctgate::test

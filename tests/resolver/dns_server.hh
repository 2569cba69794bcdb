// SPDX-License-Identifier: GPL-2.0-or-later
// The tests' own DNS server, for UDP and TCP, which records what it is asked. It stands in for a real one behind a slow
// path: answers take a while, and the path may lose what old kernels lost.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "daemon/lab/endpoint.hh"
#include "daemon/lab/namespace.hh"
#include "policy/base/file_descriptor.hh"
#include "tests/resolver/zone.hh"

namespace ctgate::test::dns {

struct ServerOptions {
  std::vector<Address> addresses;             // those it listens on
  std::uint16_t port = 53;                    //
  std::chrono::microseconds answer_delay{0};  // for every answer, and for a TCP handshake
  // A datagram that comes from a source less than this after the one before it is dropped: what kernels up to 4.6 did
  // to the second datagram of a flow that was not confirmed yet. 0: nothing is dropped.
  std::chrono::microseconds least_distance{0};
};

// A query that arrived; those that were dropped too.
struct Asked {
  Endpoint source;
  Address server;  // the address that was asked
  Transport transport = Transport::datagram;
  std::string name;
  std::uint16_t type = 0;
  bool dropped = false;
};

// A thread that serves until the object is destroyed.
class Server {
 public:
  [[nodiscard]] static Expected<std::unique_ptr<Server>> start(const lab::NetworkNamespace& where,
                                                               const ServerOptions& options, Responder responder);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  Server(Server&&) = delete;
  Server& operator=(Server&&) = delete;

  [[nodiscard]] std::vector<Asked> take_log();  // what came since the last call, in order

 private:
  class Worker;
  struct Port {
    Address address;
    FileDescriptor datagrams, listener;
  };
  static Expected<Port> open_port(const Address& address, std::uint16_t port);
  Server(std::vector<Port> ports, FileDescriptor stop, const ServerOptions& options, Responder responder);

  std::vector<Port> ports_;
  FileDescriptor stop_;  // eventfd(2): readable when the thread is to end
  ServerOptions options_;
  Responder responder_;
  std::mutex mutex_;
  std::vector<Asked> log_;  // guarded by mutex_
  std::thread thread_;
};

// A responder that hands every query on to another server and waits for its answer, for at most a second. Made for one
// that answers at once (dnsmasq in the same namespace).
[[nodiscard]] Responder relay_to(const lab::NetworkNamespace& where, const Endpoint& upstream);

}  // namespace ctgate::test::dns

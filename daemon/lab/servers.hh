// SPDX-License-Identifier: GPL-2.0-or-later
// The server side: every address of the server namespace answers, and every arrival is recorded.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "daemon/lab/arrival.hh"
#include "daemon/lab/namespace.hh"
#include "policy/base/error.hh"
#include "policy/base/file_descriptor.hh"

namespace ctgate::lab {

struct ServerOptions {
  Family family = Family::ipv4;
  std::uint16_t port = 9000;
  std::chrono::milliseconds answer_delay{0};
};

// A thread with one socket for all addresses of the namespace (IP_PKTINFO tells the backend), so that there is one
// order of arrival over all backends. It sends each datagram back from the address that it reached.
class Servers {
 public:
  [[nodiscard]] static Expected<std::unique_ptr<Servers>> start(const NetworkNamespace& where,
                                                                const ServerOptions& options);
  ~Servers();
  Servers(const Servers&) = delete;
  Servers& operator=(const Servers&) = delete;
  Servers(Servers&&) = delete;
  Servers& operator=(Servers&&) = delete;

  // Everything that arrived so far, in order.
  [[nodiscard]] std::vector<Arrival> arrivals() const;
  void clear();

 private:
  class Worker;
  Servers(FileDescriptor socket, FileDescriptor stop, const ServerOptions& options);

  FileDescriptor socket_;
  FileDescriptor stop_;  // eventfd(2): readable when the thread is to end
  ServerOptions options_;
  mutable std::mutex mutex_;
  std::vector<Arrival> arrivals_;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace ctgate::lab

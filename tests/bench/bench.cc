// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/bench.hh"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <fstream>
#include <string_view>
#include <system_error>

#include "daemon/lab/sandbox.hh"

namespace ctgate::bench {

double quantile(std::vector<double> values, double fraction) {
  if (values.empty()) return 0;
  const auto at = static_cast<std::ptrdiff_t>(fraction * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return values[static_cast<std::size_t>(at)];
}

FileDescriptor udp_sender(const lab::NetworkNamespace& where, const Endpoint& destination, std::uint16_t source_port) {
  FileDescriptor socket(where.run(
      [&] { return ::socket(lab::socket_domain(destination.address.family), SOCK_DGRAM | SOCK_CLOEXEC, 0); }));
  const auto source = lab::to_socket_address({lab::any_address(destination.address.family), source_port});
  const auto address = lab::to_socket_address(destination);
  if (socket.get() < 0 || bind(socket.get(), source.get(), source.size) != 0 ||
      connect(socket.get(), address.get(), address.size) != 0) {
    throw std::system_error(errno, std::generic_category(), "socket");
  }
  return socket;
}

std::uint64_t received_datagrams(const lab::Topology& topology) {
  return topology.server().run([] {
    std::ifstream file("/proc/thread-self/net/dev");
    std::string word;
    while (file >> word) {
      std::uint64_t bytes = 0, packets = 0;
      if (word == "eth0:" && file >> bytes >> packets) return packets;
    }
    throw std::runtime_error("no eth0 in the server's namespace");
  });
}

int run(int argc, char** argv, const std::function<void(bool quick)>& body) {
  const bool quick = argc > 1 && std::string_view(argv[1]) == "--quick";
  const auto result = lab::run_isolated([&] {
    try {
      body(quick);
      std::fflush(stdout);
      return 0;
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s: %s\n", argv[0], error.what());
      return 1;
    }
  });
  if (result) return *result;
  std::fprintf(stderr, "%s: %s\n", argv[0], result.error().message.c_str());
  return 3;
}

}  // namespace ctgate::bench

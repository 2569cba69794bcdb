// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/support/gateway_test.hh"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <thread>

#include "daemon/rules/nft.hh"

namespace ctgate::test {
namespace {

void check(bool done, const char* what) {
  if (!done) throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds timeout) {
  const auto end = std::chrono::steady_clock::now() + timeout;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

void GatewayTest::third_party(const lab::ConsumerOptions& options, const lab::ThirdPartyRule& rule) {
  consumer = must(lab::DelayingConsumer::start(gateway(), options));
  must(lab::install_third_party(gateway(), rule));
}

void GatewayTest::serve(const lab::ServerOptions& options) {
  servers = must(lab::Servers::start(server(), options));
}

lab::BurstResult GatewayTest::burst(const lab::BurstOptions& options, std::optional<Address> target) {
  const Endpoint destination{target.value_or(lab::Topology::addresses(Family::ipv4).backends[0]), server_port};
  return must(lab::burst(client(), destination, options, *servers));
}

std::uint64_t GatewayTest::counter(const char* key) const {
  return must(ctgated->status()).at(key).get<std::uint64_t>();
}

std::size_t GatewayTest::elements(const std::string& set) const {
  return gateway().run([&] {
    rules::Nft nft;
    std::size_t count = 0;
    for (const char* family : {"ip", "ip6"}) {
      const auto listed = must(nft.run_with_elements(fmt::format("list set {} ctgate {}\n", family, set)));
      for (auto at = listed.find(" expires "); at != std::string::npos; at = listed.find(" expires ", at + 1)) ++count;
    }
    return count;
  });
}

UdpSocket::UdpSocket(const lab::NetworkNamespace& where, Family family)
    : fd_(where.run([&] { return socket(lab::socket_domain(family), SOCK_DGRAM | SOCK_CLOEXEC, 0); })) {
  check(fd_.get() >= 0, "socket");
}

void UdpSocket::bind(const Endpoint& endpoint) const {
  const auto address = lab::to_socket_address(endpoint);
  check(::bind(fd(), address.get(), address.size) == 0, "bind");
}

void UdpSocket::connect(const Endpoint& endpoint) const {
  const auto address = lab::to_socket_address(endpoint);
  check(::connect(fd(), address.get(), address.size) == 0, "connect");
}

void UdpSocket::send(std::string_view payload) const {
  check(::send(fd(), payload.data(), payload.size(), 0) == static_cast<ssize_t>(payload.size()), "send");
}

void UdpSocket::send_to(const Endpoint& endpoint, std::string_view payload) const {
  const auto address = lab::to_socket_address(endpoint);
  check(sendto(fd(), payload.data(), payload.size(), 0, address.get(), address.size) ==
            static_cast<ssize_t>(payload.size()),
        "sendto");
}

std::optional<std::string> UdpSocket::receive(std::chrono::milliseconds timeout) const {
  pollfd waiting{fd(), POLLIN, 0};
  if (poll(&waiting, 1, static_cast<int>(timeout.count())) <= 0) return std::nullopt;
  std::array<char, 65536> buffer;
  const auto size = recv(fd(), buffer.data(), buffer.size(), 0);
  check(size >= 0, "recv");
  return std::string(buffer.data(), static_cast<std::size_t>(size));
}

}  // namespace ctgate::test

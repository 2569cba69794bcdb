// SPDX-License-Identifier: GPL-2.0-or-later
// How long after its leader does a follower arrive? The third party delays leaders only, so what is measured is the way
// from the leader's confirmation through event, worker and verdict to the server, by the kernel's time stamps there.
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cstring>
#include <ctime>

#include "daemon/lab/consumer.hh"
#include "daemon/lab/third_party.hh"
#include "tests/bench/bench.hh"

namespace ctgate::bench {
namespace {

constexpr std::uint16_t port = 9000;

// Nanoseconds of the kernel's receive time stamp (SO_TIMESTAMPNS, socket(7)).
std::int64_t receive_time(int fd) {
  pollfd waiting{fd, POLLIN, 0};
  if (poll(&waiting, 1, 3000) <= 0) throw std::runtime_error("a datagram was lost");
  std::array<char, 64> payload{};
  alignas(cmsghdr) std::array<char, 128> control{};
  iovec vector{payload.data(), payload.size()};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  if (recvmsg(fd, &message, 0) < 0) throw std::runtime_error("recvmsg");
  for (auto* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_TIMESTAMPNS) continue;
    timespec time{};
    std::memcpy(&time, CMSG_DATA(header), sizeof time);
    return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
  }
  throw std::runtime_error("no time stamp");
}

void release_latency(bool quick) {
  const int flows = quick ? 50 : 1000;
  const lab::Topology topology = must(lab::Topology::create());
  must(topology.gateway().nft(lab::nat::masquerade(Family::ipv4, true)));
  const auto consumer = must(lab::DelayingConsumer::start(topology.gateway(), {.delay = std::chrono::milliseconds(2)}));
  must(lab::install_third_party(topology.gateway(), {}));
  must(topology.gateway().nft("insert rule ip third_party base @th,64,8 != 0x4c accept\n"));  // payload is not 'L'
  auto daemon = must(lab::Daemon::start(topology.gateway()));

  const Endpoint destination{lab::Topology::addresses(Family::ipv4).backends[0], port};
  const FileDescriptor server(topology.server().run([] { return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0); }));
  const auto address = lab::to_socket_address(destination);
  const int on = 1;
  setsockopt(server.get(), SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
  if (bind(server.get(), address.get(), address.size) != 0) throw std::runtime_error("bind");

  std::vector<double> microseconds;
  for (int i = 0; i < flows; ++i) {
    const auto sender = udp_sender(topology.client(), destination, static_cast<std::uint16_t>(20000 + i));
    (void)send(sender.get(), "L", 1, 0);
    (void)send(sender.get(), "F", 1, 0);
    const auto leader = receive_time(server.get());
    microseconds.push_back(static_cast<double>(receive_time(server.get()) - leader) / 1000);
  }
  const auto status = must(daemon.status());
  fmt::print("follower after its leader, {} flows, {} held: median {:.0f} us, 90 % {:.0f} us, 99 % {:.0f} us\n", flows,
             status.at("held_total").get<std::uint64_t>(), quantile(microseconds), quantile(microseconds, 0.9),
             quantile(microseconds, 0.99));
}

}  // namespace
}  // namespace ctgate::bench

int main(int argc, char** argv) {
  return ctgate::bench::run(argc, argv, ctgate::bench::release_latency);
}

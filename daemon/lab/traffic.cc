// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/lab/traffic.hh"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <set>
#include <thread>
#include <vector>

namespace ctgate::lab {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int receive_buffer = 1 << 20;                    // bytes
constexpr std::chrono::microseconds shortest_sleep{1000};  // below it a sleep is not precise enough

void pause_until(Clock::time_point when, std::chrono::microseconds spacing) {
  if (spacing >= shortest_sleep) std::this_thread::sleep_until(when);
  while (Clock::now() < when) {
  }
}

Expected<FileDescriptor> connect_to(const Endpoint& destination) {
  FileDescriptor socket(::socket(socket_domain(destination.address.family), SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return errno_error("open a UDP socket", errno);
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUFFORCE, &receive_buffer, sizeof(receive_buffer));
  const SocketAddress target = to_socket_address(destination);
  if (::connect(socket.get(), target.get(), target.size) != 0) {
    return errno_error("connect to " + destination.to_string(), errno);
  }
  return socket;
}

Expected<void> send_flow(int socket, std::uint32_t flow, const BurstOptions& options) {
  auto when = Clock::now();
  for (std::uint32_t index = 0; index < options.datagrams; ++index) {
    if (index > 0) pause_until(when += options.spacing, options.spacing);
    const auto payload = encode({flow, index});
    const auto send = [&] { return ::send(socket, payload.data(), payload.size(), 0); };
    // A pending ICMP error is reported once, instead of sending.
    if (send() < 0 && (errno != ECONNREFUSED || send() < 0)) return errno_error("send a datagram", errno);
  }
  return {};
}

// Counts answers, one a datagram, that belong to the socket's own flow.
class AnswerCounter {
 public:
  explicit AnswerCounter(const std::vector<FileDescriptor>& sockets) : sockets_(sockets), seen_(sockets.size()) {}

  [[nodiscard]] std::uint32_t count() const { return count_; }

  void wait(std::uint32_t wanted, Clock::time_point deadline) {
    std::vector<pollfd> poll_set;
    for (const auto& socket : sockets_) poll_set.push_back({socket.get(), POLLIN, 0});
    while (count_ < wanted) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
      if (left.count() <= 0) return;
      ::poll(poll_set.data(), poll_set.size(), static_cast<int>(left.count()));
      for (std::size_t flow = 0; flow < poll_set.size(); ++flow) {
        if (poll_set[flow].revents != 0) read(flow);
      }
    }
  }

 private:
  void read(std::size_t flow) {
    std::array<std::uint8_t, 256> buffer{};
    for (;;) {
      const auto size = ::recv(sockets_[flow].get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (size < 0) return;
      const auto mark = decode_mark({buffer.data(), static_cast<std::size_t>(size)});
      if (mark && mark->flow == flow && seen_[flow].insert(mark->index).second) ++count_;
    }
  }

  const std::vector<FileDescriptor>& sockets_;
  std::vector<std::set<std::uint32_t>> seen_;
  std::uint32_t count_ = 0;
};

}  // namespace

Expected<BurstResult> burst(const NetworkNamespace& sender, const Endpoint& destination, const BurstOptions& options,
                            Servers& servers) {
  servers.clear();
  std::vector<FileDescriptor> sockets;
  for (std::uint32_t flow = 0; flow < options.flows; ++flow) {
    if (flow > 0) std::this_thread::sleep_for(options.flow_spacing);
    auto socket = sender.run([&] { return connect_to(destination); });
    if (!socket) return tl::unexpected(socket.error());
    if (auto sent = send_flow(socket->get(), flow, options); !sent) return tl::unexpected(sent.error());
    sockets.push_back(std::move(*socket));
  }
  BurstResult result;
  result.flows = options.flows;
  result.sent = options.flows * options.datagrams;
  AnswerCounter answers(sockets);
  answers.wait(result.sent, Clock::now() + options.answer_deadline);
  result.answered = answers.count();
  result.lost = result.sent - result.answered;

  const auto arrivals = servers.arrivals();
  const auto summary = summarize(arrivals);
  result.delivered = summary.delivered;
  result.split_flows = summary.split_flows;
  result.out_of_order_flows = summary.out_of_order_flows;
  result.overtaken = summary.overtaken;
  return result;
}

}  // namespace ctgate::lab

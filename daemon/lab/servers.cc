// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/lab/servers.hh"

#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <optional>
#include <utility>

namespace ctgate::lab {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int receive_buffer = 16 << 20;  // bytes
constexpr std::size_t largest_datagram = 2048;

using ControlBuffer = std::array<std::uint8_t, CMSG_SPACE(sizeof(in6_pktinfo))>;

struct Datagram {
  Endpoint source;
  Address backend;
  std::vector<std::uint8_t> payload;
};

Address read_destination(msghdr& message) {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO) {
      in_pktinfo info{};
      std::memcpy(&info, CMSG_DATA(header), sizeof(info));
      Address address{Family::ipv4, {}};
      std::memcpy(address.bytes.data(), &info.ipi_addr, sizeof(info.ipi_addr));
      return address;
    }
    if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info{};
      std::memcpy(&info, CMSG_DATA(header), sizeof(info));
      Address address{Family::ipv6, {}};
      std::memcpy(address.bytes.data(), &info.ipi6_addr, sizeof(info.ipi6_addr));
      return address;
    }
  }
  return {};
}

template <typename Info>
void write_control(msghdr& message, int level, int type, const Info& info) {
  message.msg_controllen = CMSG_SPACE(sizeof(info));
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = level;
  header->cmsg_type = type;
  header->cmsg_len = CMSG_LEN(sizeof(info));
  std::memcpy(CMSG_DATA(header), &info, sizeof(info));
}

void write_source(msghdr& message, const Address& source) {
  if (source.family == Family::ipv4) {
    in_pktinfo info{};
    std::memcpy(&info.ipi_spec_dst, source.bytes.data(), sizeof(info.ipi_spec_dst));
    write_control(message, IPPROTO_IP, IP_PKTINFO, info);
  } else {
    in6_pktinfo info{};
    std::memcpy(&info.ipi6_addr, source.bytes.data(), sizeof(info.ipi6_addr));
    write_control(message, IPPROTO_IPV6, IPV6_PKTINFO, info);
  }
}

std::optional<Datagram> receive(int socket) {
  Datagram datagram;
  datagram.payload.resize(largest_datagram);
  sockaddr_storage source{};
  alignas(cmsghdr) ControlBuffer control{};
  iovec data{datagram.payload.data(), datagram.payload.size()};
  msghdr message{};
  message.msg_name = &source;
  message.msg_namelen = sizeof(source);
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const auto size = ::recvmsg(socket, &message, MSG_DONTWAIT);
  if (size < 0) return std::nullopt;
  datagram.payload.resize(static_cast<std::size_t>(size));
  datagram.source = to_endpoint(source);
  datagram.backend = read_destination(message);
  return datagram;
}

void answer(int socket, Datagram& datagram) {
  SocketAddress target = to_socket_address(datagram.source);
  alignas(cmsghdr) ControlBuffer control{};
  iovec data{datagram.payload.data(), datagram.payload.size()};
  msghdr message{};
  message.msg_name = &target.storage;
  message.msg_namelen = target.size;
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  write_source(message, datagram.backend);
  ::sendmsg(socket, &message, 0);  // what does not go out is missed, and counted, by the client
}

Expected<FileDescriptor> open_socket(const ServerOptions& options) {
  FileDescriptor socket(::socket(socket_domain(options.family), SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return errno_error("open the servers' UDP socket", errno);
  const int on = 1;
  const bool v4 = options.family == Family::ipv4;
  ::setsockopt(socket.get(), v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_PKTINFO : IPV6_RECVPKTINFO, &on, sizeof(on));
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUFFORCE, &receive_buffer, sizeof(receive_buffer));
  const SocketAddress local = to_socket_address({any_address(options.family), options.port});
  if (::bind(socket.get(), local.get(), local.size) != 0) {
    return errno_error(fmt::format("bind the servers' socket to UDP port {}", options.port), errno);
  }
  return socket;
}

}  // namespace

class Servers::Worker {
 public:
  explicit Worker(Servers& owner) : owner_(owner) {}

  void run() {
    while (!stop_requested()) {
      while (auto datagram = receive(owner_.socket_.get())) take(std::move(*datagram));
      for (; !waiting_.empty() && waiting_.front().first <= Clock::now(); waiting_.pop_front()) {
        answer(owner_.socket_.get(), waiting_.front().second);
      }
    }
  }

 private:
  bool stop_requested() {
    std::array<pollfd, 2> wait{pollfd{owner_.socket_.get(), POLLIN, 0}, pollfd{owner_.stop_.get(), POLLIN, 0}};
    int timeout = -1;
    if (!waiting_.empty()) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(waiting_.front().first - Clock::now());
      timeout = static_cast<int>(std::max<std::int64_t>(0, left.count()));
    }
    ::poll(wait.data(), wait.size(), timeout);
    return wait[1].revents != 0;
  }

  void take(Datagram datagram) {
    const auto mark = decode_mark(datagram.payload);
    if (!mark) return;
    {
      const std::scoped_lock lock(owner_.mutex_);
      owner_.arrivals_.push_back({*mark, datagram.source, datagram.backend});
    }
    // One delay for all: the queue is in order of its deadlines.
    waiting_.emplace_back(Clock::now() + owner_.options_.answer_delay, std::move(datagram));
  }

  Servers& owner_;
  std::deque<std::pair<Clock::time_point, Datagram>> waiting_;
};

Servers::Servers(FileDescriptor socket, FileDescriptor stop, const ServerOptions& options)
    : socket_(std::move(socket)), stop_(std::move(stop)), options_(options), thread_([this] { Worker(*this).run(); }) {}

Servers::~Servers() {
  ::eventfd_write(stop_.get(), 1);
  thread_.join();
}

Expected<std::unique_ptr<Servers>> Servers::start(const NetworkNamespace& where, const ServerOptions& options) {
  auto socket = where.run([&] { return open_socket(options); });
  if (!socket) return tl::unexpected(socket.error());
  FileDescriptor stop(::eventfd(0, EFD_CLOEXEC));
  if (!stop) return errno_error("eventfd", errno);
  return std::unique_ptr<Servers>(new Servers(std::move(*socket), std::move(stop), options));
}

std::vector<Arrival> Servers::arrivals() const {
  const std::scoped_lock lock(mutex_);
  return arrivals_;
}

void Servers::clear() {
  const std::scoped_lock lock(mutex_);
  arrivals_.clear();
}

}  // namespace ctgate::lab

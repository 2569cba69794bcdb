// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/resolver/dns_server.hh"

#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <list>
#include <map>
#include <utility>

namespace ctgate::test::dns {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t receive_size = 65536;

Expected<FileDescriptor> open_socket(const Address& address, std::uint16_t port, int kind) {
  FileDescriptor socket(::socket(lab::socket_domain(address.family), kind | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  if (socket) ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (socket && address.family == Family::ipv6) {
    ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  }
  const auto name = lab::to_socket_address({address, port});
  if (!socket || ::bind(socket.get(), name.get(), name.size) != 0 ||
      (kind == SOCK_STREAM && ::listen(socket.get(), 128) != 0)) {
    return errno_error(fmt::format("open the DNS server's port {} on {}", port, address.to_string()), errno);
  }
  return socket;
}

struct Stream {
  FileDescriptor socket;
  Endpoint peer;
  Address server;
  Clock::time_point opened;
  Bytes received{};
  bool over = false;
};

}  // namespace

class Server::Worker {
 public:
  explicit Worker(Server& owner) : owner_(owner), buffer_(receive_size) {}

  void run() {
    while (wait_for_work()) {
      for (const auto& port : owner_.ports_) {
        while (read_datagram(port)) {
        }
        while (accept_stream(port)) {
        }
      }
      for (auto& [number, stream] : streams_) read_stream(number, stream);
      send_due();
      std::erase_if(streams_, [](const auto& entry) { return entry.second.over; });
    }
  }

 private:
  struct Outgoing {
    Reply reply;
    const Port* port = nullptr;  // a datagram from there ...
    Endpoint target;             // ... to this
    unsigned stream = 0;         // else: the stream's number
  };

  // False: the end.
  bool wait_for_work() {
    std::vector<pollfd> waiting{{owner_.stop_.get(), POLLIN, 0}};
    for (const auto& port : owner_.ports_) {
      waiting.push_back({port.datagrams.get(), POLLIN, 0});
      waiting.push_back({port.listener.get(), POLLIN, 0});
    }
    for (const auto& [number, stream] : streams_) waiting.push_back({stream.socket.get(), POLLIN, 0});
    timespec timeout{};
    if (!outgoing_.empty()) {
      const auto left = std::max(Clock::duration::zero(), outgoing_.begin()->first - Clock::now());
      const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
      timeout = {seconds.count(), std::chrono::nanoseconds(left - seconds).count()};
    }
    ::ppoll(waiting.data(), waiting.size(), outgoing_.empty() ? nullptr : &timeout, nullptr);
    return waiting[0].revents == 0;
  }

  bool read_datagram(const Port& port) {
    sockaddr_storage name{};
    socklen_t length = sizeof name;
    const auto size = ::recvfrom(port.datagrams.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT,
                                 reinterpret_cast<sockaddr*>(&name), &length);
    if (size < 0) return errno == ECONNREFUSED || errno == EINTR;  // somebody's socket was gone: read on
    const auto now = Clock::now();
    const auto source = lab::to_endpoint(name);
    const auto last = last_seen_.find(source);
    const bool dropped = last != last_seen_.end() && now - last->second < owner_.options_.least_distance;
    last_seen_[source] = now;
    const Bytes query(buffer_.begin(), buffer_.begin() + size);
    write_down({source, port.address, Transport::datagram, {}, 0, dropped}, query);
    if (dropped) return true;
    for (auto& reply : owner_.responder_(query, Transport::datagram)) {
      schedule({std::move(reply), &port, source, 0});
    }
    return true;
  }

  bool accept_stream(const Port& port) {
    sockaddr_storage name{};
    socklen_t length = sizeof name;
    FileDescriptor socket(::accept4(port.listener.get(), reinterpret_cast<sockaddr*>(&name), &length, SOCK_CLOEXEC));
    if (!socket) return false;
    streams_.emplace(++last_stream_, Stream{std::move(socket), lab::to_endpoint(name), port.address, Clock::now()});
    return true;
  }

  void read_stream(unsigned number, Stream& stream) {
    const auto size = ::recv(stream.socket.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (size < 0) return;
    stream.over = size == 0;
    stream.received.insert(stream.received.end(), buffer_.begin(), buffer_.begin() + size);
    while (stream.received.size() >= 2) {
      const auto length = static_cast<std::size_t>(stream.received[0] << 8 | stream.received[1]);
      if (stream.received.size() < 2 + length) return;
      const auto end = stream.received.begin() + 2 + static_cast<std::ptrdiff_t>(length);
      const Bytes query(stream.received.begin() + 2, end);
      stream.received.erase(stream.received.begin(), end);
      write_down({stream.peer, stream.server, Transport::stream, {}, 0, false}, query);
      // The handshake took no time here; over a path as slow as the answers it would have taken a round trip.
      const bool first = Clock::now() - stream.opened < owner_.options_.answer_delay;
      const auto handshake = first ? owner_.options_.answer_delay : std::chrono::microseconds(0);
      for (auto& reply : owner_.responder_(query, Transport::stream)) {
        schedule({std::move(reply), nullptr, {}, number}, handshake);
      }
    }
  }

  void write_down(Asked asked, const Bytes& query) {
    if (const auto question = parse_question(query)) {
      asked.name = question->name;
      asked.type = question->type;
    }
    const std::scoped_lock lock(owner_.mutex_);
    owner_.log_.push_back(std::move(asked));
  }

  void schedule(Outgoing outgoing, std::chrono::microseconds more = {}) {
    const auto due = Clock::now() + owner_.options_.answer_delay + more + outgoing.reply.delay;
    outgoing_.emplace(due, std::move(outgoing));
  }

  void send_due() {
    while (!outgoing_.empty() && outgoing_.begin()->first <= Clock::now()) {
      const auto next = outgoing_.extract(outgoing_.begin());
      if (next.mapped().port != nullptr) {
        send_datagram(next.mapped());
      } else if (const auto stream = streams_.find(next.mapped().stream); stream != streams_.end()) {
        send_on_stream(next.mapped().reply, stream->second);
      }
    }
  }

  void send_datagram(const Outgoing& outgoing) {
    const Port* port = outgoing.port;
    if (outgoing.reply.from_other_address) {
      for (const auto& other : owner_.ports_) {
        if (other.address != port->address && other.address.family == port->address.family) port = &other;
      }
    }
    const auto target = lab::to_socket_address(outgoing.target);
    const auto& bytes = outgoing.reply.bytes;
    ::sendto(port->datagrams.get(), bytes.data(), bytes.size(), 0, target.get(), target.size);
  }

  static void send_on_stream(const Reply& reply, Stream& stream) {
    Bytes bytes{static_cast<std::uint8_t>(reply.bytes.size() >> 8), static_cast<std::uint8_t>(reply.bytes.size())};
    bytes.insert(bytes.end(), reply.bytes.begin(), reply.bytes.end());
    if (reply.cut_off) bytes.resize(bytes.size() / 2);
    ::send(stream.socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    stream.over = stream.over || reply.cut_off;
  }

  Server& owner_;
  Bytes buffer_;
  std::map<Endpoint, Clock::time_point> last_seen_;
  std::map<unsigned, Stream> streams_;
  std::multimap<Clock::time_point, Outgoing> outgoing_;
  unsigned last_stream_ = 0;
};

Server::Server(std::vector<Port> ports, FileDescriptor stop, const ServerOptions& options, Responder responder)
    : ports_(std::move(ports)),
      stop_(std::move(stop)),
      options_(options),
      responder_(std::move(responder)),
      thread_([this] { Worker(*this).run(); }) {}

Server::~Server() {
  ::eventfd_write(stop_.get(), 1);
  thread_.join();
}

Expected<Server::Port> Server::open_port(const Address& address, std::uint16_t port) {
  auto datagrams = open_socket(address, port, SOCK_DGRAM);
  if (!datagrams) return tl::unexpected(datagrams.error());
  auto listener = open_socket(address, port, SOCK_STREAM);
  if (!listener) return tl::unexpected(listener.error());
  return Port{address, std::move(*datagrams), std::move(*listener)};
}

Expected<std::unique_ptr<Server>> Server::start(const lab::NetworkNamespace& where, const ServerOptions& options,
                                                Responder responder) {
  std::vector<Port> ports;
  for (const auto& address : options.addresses) {
    auto port = where.run([&] { return open_port(address, options.port); });
    if (!port) return tl::unexpected(port.error());
    ports.push_back(std::move(*port));
  }
  FileDescriptor stop(::eventfd(0, EFD_CLOEXEC));
  if (!stop) return errno_error("eventfd", errno);
  return std::unique_ptr<Server>(new Server(std::move(ports), std::move(stop), options, std::move(responder)));
}

std::vector<Asked> Server::take_log() {
  const std::scoped_lock lock(mutex_);
  return std::exchange(log_, {});
}

Responder relay_to(const lab::NetworkNamespace& where, const Endpoint& upstream) {
  const auto exchange = [upstream](int domain, int kind, const Bytes& query) -> std::vector<Reply> {
    const FileDescriptor socket(::socket(domain, kind | SOCK_CLOEXEC, 0));
    const auto target = lab::to_socket_address(upstream);
    const timeval timeout{1, 0};
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    if (::connect(socket.get(), target.get(), target.size) != 0) return {};
    Bytes message;
    if (kind == SOCK_STREAM) {
      message = {static_cast<std::uint8_t>(query.size() >> 8), static_cast<std::uint8_t>(query.size())};
    }
    message.insert(message.end(), query.begin(), query.end());
    if (::send(socket.get(), message.data(), message.size(), MSG_NOSIGNAL) < 0) return {};
    Bytes answer(receive_size);
    if (kind == SOCK_DGRAM) {
      const auto size = ::recv(socket.get(), answer.data(), answer.size(), 0);
      if (size <= 0) return {};
      answer.resize(static_cast<std::size_t>(size));
      return {{answer}};
    }
    std::array<std::uint8_t, 2> length{};
    if (::recv(socket.get(), length.data(), length.size(), MSG_WAITALL) != 2) return {};
    answer.resize(static_cast<std::size_t>(length[0] << 8 | length[1]));
    const auto size = ::recv(socket.get(), answer.data(), answer.size(), MSG_WAITALL);
    if (size != static_cast<ssize_t>(answer.size())) return {};
    return {{answer}};
  };
  return [exchange, &where, domain = lab::socket_domain(upstream.address.family)](const Bytes& query,
                                                                                  Transport transport) {
    return where.run(
        [&] { return exchange(domain, transport == Transport::stream ? SOCK_STREAM : SOCK_DGRAM, query); });
  };
}

}  // namespace ctgate::test::dns

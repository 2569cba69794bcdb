// SPDX-License-Identifier: GPL-2.0-or-later
#include "shim/resolver/channel.hh"

#include <ares.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace ctgate::resolver {
namespace {

std::int64_t now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return std::int64_t{time.tv_sec} * 1000 + time.tv_nsec / 1'000'000;
}

// poll(2) as a cancellation point, as in libc's getaddrinfo(3). Everywhere else cancellation is disabled.
[[gnu::noinline]] int poll_cancellably(pollfd* files, nfds_t count, int milliseconds,
                                       const Cancellation& cancellation) {
  int result = 0;
  int error = 0;
  pthread_cleanup_push(cancellation.release, cancellation.what);
  pthread_setcancelstate(cancellation.state, nullptr);
  result = poll(files, count, milliseconds);
  error = errno;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
  pthread_cleanup_pop(0);
  errno = error;
  return result;
}

void write_length(std::uint8_t* out, std::size_t length) {
  out[0] = static_cast<std::uint8_t>(length >> 8);
  out[1] = static_cast<std::uint8_t>(length);
}

Channel::Event event_of(int error) {
  return error == ECONNREFUSED ? Channel::Event::refused : Channel::Event::failed;
}

}  // namespace

bool Channel::start_library() {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  static bool started = false;
  pthread_once(&once, [] { started = ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS; });
  return started;
}

void Channel::open(const NameServer& server, bool by_stream, std::chrono::milliseconds limit) {
  close();
  by_stream_ = by_stream;
  failure_ = Event::failed;
  socket_error_ = 0;
  queued_ = sent_ = received_ = taken_ = 0;
  failed_ = !start_ares(server);
  if (failed_) failure_ = Event::no_memory;
  deadline_ = now() + limit.count();
}

// Everything is given, so that what c-ares reads from resolv.conf and the environment has no effect.
bool Channel::start_ares(const NameServer& server) {
  char lookups[] = "b";
  in_addr placeholder{};
  ares_options options{};
  options.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | (by_stream_ ? ARES_FLAG_USEVC : 0);
  options.timeout = 24 * 60 * 60 * 1000;  // receive() has the deadline
  options.tries = 1;
  options.ndots = 1;
  options.servers = &placeholder;
  options.nservers = 1;
  options.lookups = lookups;
  constexpr int given = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_NDOTS | ARES_OPT_SERVERS |
                        ARES_OPT_DOMAINS | ARES_OPT_LOOKUPS | ARES_OPT_SORTLIST | ARES_OPT_NOROTATE;
  if (ares_init_options(&ares_, &options, given) != ARES_SUCCESS) {
    ares_ = nullptr;
    return false;
  }

  static constexpr ares_socket_functions functions = {
      [](int family, int type, int protocol, void* self) -> ares_socket_t {
        return static_cast<Channel*>(self)->make_socket(family, type, protocol);
      },
      [](ares_socket_t fd, void* /*self*/) { return ::close(fd); },
      [](ares_socket_t fd, const sockaddr* name, ares_socklen_t length, void* self) {
        return static_cast<Channel*>(self)->connect_socket(fd, name, length);
      },
      [](ares_socket_t fd, void* /*buffer*/, std::size_t /*size*/, int /*flags*/, sockaddr* /*from*/,
         ares_socklen_t* /*length*/,
         void* self) -> ares_ssize_t { return static_cast<Channel*>(self)->read_socket(fd); },
      [](ares_socket_t fd, const iovec* parts, int count, void* self) -> ares_ssize_t {
        std::size_t size = 0;
        for (int i = 0; i < count; ++i) size += parts[i].iov_len;
        return static_cast<Channel*>(self)->write_socket(fd, size);
      },
  };
  ares_set_socket_functions(ares_, &functions, this);

  ares_addr_port_node node{};
  node.family = server.address.family;
  std::memcpy(&node.addr, server.address.bytes, server.address.size());
  node.udp_port = server.port;
  node.tcp_port = server.port;
  return ares_set_servers_ports(ares_, &node) == ARES_SUCCESS;
}

void Channel::close() {
  if (ares_ != nullptr) ares_destroy(ares_);
  ares_ = nullptr;
}

void Channel::send(Bytes query) {
  if (failed_ || sizeof outgoing_ - queued_ < length_size + query.size()) return;
  std::uint8_t* out = outgoing_ + queued_;
  write_length(out, query.size());
  std::memcpy(out + length_size, query.data(), query.size());
  queued_ += length_size + query.size();
  const auto callback = [](void* self, int status, int /*timeouts*/, unsigned char* /*bytes*/, int /*size*/) {
    static_cast<Channel*>(self)->gave_up(status);
  };
  ares_send(ares_, query.data(), static_cast<int>(query.size()), callback, this);
}

// As c-ares sees no answers, it ends a question only when the socket fails.
void Channel::gave_up(int status) {
  if (status == ARES_ECANCELLED || status == ARES_EDESTRUCTION) return;
  if (status == ARES_ENOMEM) failure_ = Event::no_memory;
  failed_ = true;
}

Channel::Event Channel::receive(Bytes& message) {
  received_ -= taken_;
  std::memmove(incoming_, incoming_ + taken_, received_);
  taken_ = 0;
  while (waiting_message() == 0) {
    if (failed_) return failure_;
    const std::int64_t left = deadline_ - now();
    if (left <= 0) return Event::timed_out;
    wait(static_cast<int>(left));
  }
  taken_ = waiting_message();
  message = {incoming_ + length_size, taken_ - length_size};
  return Event::message;
}

// The size of the first message including its length; 0 if it isn't complete.
std::size_t Channel::waiting_message() const {
  if (received_ < length_size) return 0;
  const std::size_t size = length_size + read_16(incoming_, 0);
  return size <= received_ ? size : 0;
}

// Waits, and lets c-ares work once.
void Channel::wait(int milliseconds) {
  ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
  pollfd files[ARES_GETSOCK_MAXNUM] = {};
  const auto mask = static_cast<unsigned>(ares_getsock(ares_, sockets, ARES_GETSOCK_MAXNUM));
  nfds_t count = 0;
  for (int i = 0; i < ARES_GETSOCK_MAXNUM; ++i) {
    const bool reads = ARES_GETSOCK_READABLE(mask, i) != 0;
    const bool writes = ARES_GETSOCK_WRITABLE(mask, i) != 0;
    if (!reads && !writes) continue;
    files[count].fd = sockets[i];
    files[count].events = static_cast<short>((reads ? POLLIN : 0) | (writes ? POLLOUT : 0));
    ++count;
  }
  if (count == 0) {  // c-ares gave up
    failed_ = true;
    return;
  }
  const int ready = poll_cancellably(files, count, milliseconds, cancellation_);
  if (ready < 0 && errno != EINTR) failed_ = true;
  for (nfds_t i = 0; i < count && ready > 0; ++i) {
    const short events = files[i].revents;
    if (events == 0) continue;
    const bool bad = (events & (POLLERR | POLLHUP | POLLNVAL)) != 0;
    const ares_socket_t fd = files[i].fd;
    ares_process_fd(ares_, (events & POLLIN) != 0 || bad ? fd : ARES_SOCKET_BAD,
                    (events & POLLOUT) != 0 ? fd : ARES_SOCKET_BAD);
    // An error that nobody has read; poll(2) would return at once forever.
    if (bad && (events & (POLLIN | POLLOUT)) == 0) failed_ = true;
  }
}

// c-ares would set more options.
int Channel::make_socket(int family, int type, int protocol) {
  const int fd = ::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
  if (fd < 0) {
    socket_error_ = errno;
    failure_ = Event::no_socket;
    failed_ = true;
    return fd;
  }
  // As in libc: an unreachable host or network is an error at once (__res_enable_icmp()).
  const int on = 1;
  if (type == SOCK_DGRAM && family == AF_INET) (void)setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof on);
  if (type == SOCK_DGRAM && family == AF_INET6) (void)setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof on);
  return fd;
}

int Channel::connect_socket(int fd, const sockaddr* name, socklen_t length) {
  const int result = ::connect(fd, name, length);
  if (by_stream_ && (result == 0 || errno == EINPROGRESS)) ++connections_;
  if (result != 0) failure_ = event_of(errno);
  return result;
}

// c-ares is always told that nothing has arrived.
ssize_t Channel::read_socket(int fd) {
  if (waiting_message() == 0) {
    const std::size_t used = received_ + (by_stream_ ? 0 : length_size);
    const ssize_t size = ::recv(fd, incoming_ + used, sizeof incoming_ - used, 0);
    if (size < 0 && errno != EAGAIN) failure_ = by_stream_ && errno == ECONNRESET ? Event::reset : event_of(errno);
    if (size < 0 || (by_stream_ && size == 0)) return size;
    if (!by_stream_) write_length(incoming_, static_cast<std::size_t>(size));
    received_ = used + static_cast<std::size_t>(size);
  }
  errno = EAGAIN;
  return -1;
}

// c-ares says when and how many bytes; the bytes are ours, because its copy has another id since 1.25.
ssize_t Channel::write_socket(int fd, std::size_t size) {
  const std::size_t skipped = by_stream_ ? 0 : length_size;
  if (queued_ - sent_ < skipped + size) {  // more than was queued
    errno = EINVAL;
    return -1;
  }
  const ssize_t sent = ::send(fd, outgoing_ + sent_ + skipped, size, MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN) failure_ = event_of(errno);
  if (sent < 0) return sent;
  sent_ += skipped + static_cast<std::size_t>(sent);
  datagrams_ += by_stream_ ? 0 : 1;
  return sent;
}

}  // namespace ctgate::resolver

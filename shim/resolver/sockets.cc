// SPDX-License-Identifier: GPL-2.0-or-later
// c-ares' socket functions: with them it sets no options of its own, and what is received goes to the Transport. To
// c-ares nothing ever comes.
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>

#include "shim/resolver/sockets.hh"

namespace ctgate::resolver {

struct SocketFunctions {
  static Transport& transport(void* data) { return *static_cast<Transport*>(data); }

  static ares_socket_t open(int family, int type, int protocol, void* data) {
    const int fd = ::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
    if (fd < 0) {
      transport(data).socket_error_ = errno;
      return fd;
    }
    // As libc: a host or a network that is out of reach is an error at once (__res_enable_icmp()).
    const int on = 1;
    if (type == SOCK_DGRAM && family == AF_INET) (void)setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof on);
    if (type == SOCK_DGRAM && family == AF_INET6) (void)setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof on);
    return fd;
  }

  static int shut(ares_socket_t fd, void* /*data*/) { return ::close(fd); }

  static int associate(ares_socket_t fd, const sockaddr* name, ares_socklen_t length, void* data) {
    Transport& self = transport(data);
    const int result = ::connect(fd, name, length);
    if (self.by_stream_ && (result == 0 || errno == EINPROGRESS)) ++self.streams_;
    if (self.by_stream_ && result != 0) self.stream_error_ = errno;
    return result;
  }

  static ares_ssize_t nothing() {
    errno = EAGAIN;
    return -1;
  }

  static ares_ssize_t receive_stream(Transport& self, ares_socket_t fd) {
    const std::size_t room = sizeof self.received_ - self.received_size_;
    const ssize_t received = ::recv(fd, self.received_ + self.received_size_, room, 0);
    if (received < 0 && errno != EAGAIN) {
      self.stream_error_ = errno;
      self.stream_reset_ = errno == ECONNRESET;
    }
    if (received <= 0) return received;
    self.received_size_ += static_cast<std::size_t>(received);
    self.take_from_stream();
    return nothing();
  }

  static ares_ssize_t receive(ares_socket_t fd, void* /*buffer*/, std::size_t /*size*/, int /*flags*/,
                              sockaddr* /*from*/, ares_socklen_t* /*length*/, void* data) {
    Transport& self = transport(data);
    if (self.by_stream_) return receive_stream(self, fd);
    const ssize_t received = ::recv(fd, self.received_, sizeof self.received_, 0);
    if (received < 0) return received;
    if (received > 0) self.got_somewhere_ = true;
    if (static_cast<std::size_t>(received) < header_size) {  // this ends the exchange with this server, as libc has it
      errno = EBADMSG;
      return -1;
    }
    self.take({self.received_, static_cast<std::size_t>(received)});
    return nothing();
  }

  static ares_ssize_t transmit(ares_socket_t fd, const iovec* parts, int count, void* data) {
    Transport& self = transport(data);
    if (!self.by_stream_ && count == 1) {
      const ssize_t sent = ::send(fd, parts->iov_base, parts->iov_len, MSG_NOSIGNAL);
      if (sent < 0) return sent;
      ++self.datagrams_;
      self.sent({static_cast<const std::uint8_t*>(parts->iov_base), parts->iov_len});
      return sent;
    }
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(parts);
    message.msg_iovlen = static_cast<std::size_t>(count);
    const ssize_t sent = ::sendmsg(fd, &message, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) self.stream_error_ = errno;
    std::size_t left = sent < 0 ? 0 : static_cast<std::size_t>(sent);
    for (int i = 0; i < count && left > 0; ++i) {
      const std::size_t size = parts[i].iov_len < left ? parts[i].iov_len : left;
      self.sent_by_stream({static_cast<const std::uint8_t*>(parts[i].iov_base), size});
      left -= size;
    }
    return sent;
  }
};

const ares_socket_functions socket_functions = {&SocketFunctions::open, &SocketFunctions::shut,
                                                &SocketFunctions::associate, &SocketFunctions::receive,
                                                &SocketFunctions::transmit};

}  // namespace ctgate::resolver

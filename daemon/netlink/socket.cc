// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/netlink/socket.hh"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace ctgate::netlink {

Expected<Socket> Socket::open() {
  Socket socket;
  socket.handle_.reset(mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC));
  if (!socket.handle_) return errno_error("open a netfilter netlink socket", errno);
  if (mnl_socket_bind(socket.handle_.get(), 0, MNL_SOCKET_AUTOPID) < 0) {
    return errno_error("bind a netfilter netlink socket", errno);
  }
  return socket;
}

Expected<void> Socket::send(std::span<const std::byte> messages, std::string_view what) const {
  while (mnl_socket_sendto(handle_.get(), messages.data(), messages.size()) < 0) {
    if (errno != EINTR) return errno_error(what, errno);
  }
  return {};
}

Expected<void> Socket::request(const nlmsghdr& message, std::string_view what) const {
  return request(std::as_bytes(std::span(reinterpret_cast<const char*>(&message), message.nlmsg_len)),
                 message.nlmsg_seq, message.nlmsg_seq, what);
}

Expected<void> Socket::request(std::span<const std::byte> messages, std::uint32_t first, std::uint32_t last,
                               std::string_view what) const {
  if (auto sent = send(messages, what); !sent) return sent;
  alignas(nlmsghdr) std::array<char, 8192> buffer;
  while (true) {
    const auto received = mnl_socket_recvfrom(handle_.get(), buffer.data(), buffer.size());
    if (received < 0) {
      if (errno == EINTR) continue;
      return errno_error(what, errno);
    }
    int remaining = static_cast<int>(received);
    for (auto* reply = reinterpret_cast<nlmsghdr*>(buffer.data()); mnl_nlmsg_ok(reply, remaining);
         reply = mnl_nlmsg_next(reply, &remaining)) {
      // Anything else, e.g. the first datagrams of a queue, is not ours to wait for.
      if (reply->nlmsg_type != NLMSG_ERROR || reply->nlmsg_seq < first || reply->nlmsg_seq > last) continue;
      nlmsgerr error{};
      std::memcpy(&error, mnl_nlmsg_get_payload(reply), sizeof error);
      if (error.error != 0) return errno_error(what, -error.error);
      if (reply->nlmsg_seq == last) return {};
    }
  }
}

std::size_t Socket::set_receive_buffer(std::size_t bytes) const {
  const int wanted = static_cast<int>(bytes);
  if (setsockopt(fd(), SOL_SOCKET, SO_RCVBUFFORCE, &wanted, sizeof wanted) != 0) {
    setsockopt(fd(), SOL_SOCKET, SO_RCVBUF, &wanted, sizeof wanted);
  }
  int real = 0;
  socklen_t length = sizeof real;
  getsockopt(fd(), SOL_SOCKET, SO_RCVBUF, &real, &length);
  return static_cast<std::size_t>(real);
}

}  // namespace ctgate::netlink

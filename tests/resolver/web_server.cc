// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/resolver/web_server.hh"

#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>

#include "daemon/lab/endpoint.hh"
#include "daemon/lab/topology.hh"

namespace ctgate::test {
namespace {

constexpr std::string_view page =
    "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\nConnection: close\r\n\r\nhello\n";

// Reads a request up to its empty line, at most for a second, and answers it.
void serve(int connection) {
  const timeval timeout{1, 0};
  ::setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  std::string request;
  std::array<char, 1024> buffer{};
  while (request.find("\r\n\r\n") == std::string::npos && request.size() < 65536) {
    const auto size = ::recv(connection, buffer.data(), buffer.size(), 0);
    if (size <= 0) return;
    request.append(buffer.data(), static_cast<std::size_t>(size));
  }
  ::send(connection, page.data(), page.size(), MSG_NOSIGNAL);
}

}  // namespace

Expected<std::unique_ptr<WebServer>> WebServer::start(const lab::NetworkNamespace& where) {
  const Family family = lab::ipv6_available() ? Family::ipv6 : Family::ipv4;  // an IPv6 socket takes both
  FileDescriptor listener(
      where.run([&] { return ::socket(lab::socket_domain(family), SOCK_STREAM | SOCK_CLOEXEC, 0); }));
  const auto name = lab::to_socket_address({lab::any_address(family), 80});
  const int on = 1, off = 0;
  ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (family == Family::ipv6) ::setsockopt(listener.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (!listener || ::bind(listener.get(), name.get(), name.size) != 0 || ::listen(listener.get(), 64) != 0) {
    return errno_error("open the web server's port 80", errno);
  }
  FileDescriptor stop(::eventfd(0, EFD_CLOEXEC));
  if (!stop) return errno_error("eventfd", errno);
  return std::unique_ptr<WebServer>(new WebServer(std::move(listener), std::move(stop)));
}

WebServer::WebServer(FileDescriptor listener, FileDescriptor stop)
    : listener_(std::move(listener)), stop_(std::move(stop)), thread_([this] { run(); }) {}

WebServer::~WebServer() {
  ::eventfd_write(stop_.get(), 1);
  thread_.join();
}

void WebServer::run() const {
  for (;;) {
    std::array<pollfd, 2> waiting{pollfd{stop_.get(), POLLIN, 0}, pollfd{listener_.get(), POLLIN, 0}};
    ::poll(waiting.data(), waiting.size(), -1);
    if (waiting[0].revents != 0) return;
    const FileDescriptor connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (connection) serve(connection.get());
  }
}

}  // namespace ctgate::test

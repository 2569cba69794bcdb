// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/control/client.hh"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <asio.hpp>
#include <cerrno>
#include <chrono>

#include "policy/base/file_descriptor.hh"

namespace ctgate::control {
namespace {

Error no_answer(const std::filesystem::path& socket, const asio::error_code& error) {
  const bool absent = error.value() == ENOENT || error.value() == ECONNREFUSED;
  const bool timed_out = error.value() == ETIMEDOUT;
  return {
      ExitCode::system,
      fmt::format("{}: {}; {}", socket.string(), error.message(),
                  absent ? "ctgated is not running with this runtime directory (start it, or choose another directory "
                           "with --runtime-dir)"
                  : timed_out ? "ctgated does not answer; if that lasts, restart it"
                              : "this needs root or the daemon's user")};
}

// Waits while the daemon's backlog is full. Asio can't: for a local socket connect(2) then says EAGAIN, which Asio
// takes for "in progress" (non_blocking_connect(), socket_ops.ipp).
Expected<FileDescriptor> connect_to(const std::filesystem::path& path, std::chrono::seconds timeout) {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  if (path.native().size() >= sizeof address.sun_path) {
    return tl::unexpected(no_answer(path, asio::error::name_too_long));
  }
  path.native().copy(address.sun_path, sizeof address.sun_path - 1);
  FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval limit{.tv_sec = timeout.count(), .tv_usec = 0};
  // Bounds connect(2) too, see unix(7) and unix_wait_for_peer().
  setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return socket;
  const int error = errno == EAGAIN ? ETIMEDOUT : errno;
  return tl::unexpected(no_answer(path, asio::error_code(error, asio::error::get_system_category())));
}

}  // namespace

Expected<std::string> request(const std::filesystem::path& path, std::string_view line, std::chrono::seconds timeout) {
  auto connected = connect_to(path, timeout);
  if (!connected) return tl::unexpected(connected.error());
  asio::io_context context;
  asio::local::stream_protocol::socket socket(context, asio::local::stream_protocol(), connected->release());
  const std::string question = std::string(line) + "\n";
  std::string answer;
  asio::error_code result = asio::error::timed_out;
  asio::async_write(socket, asio::buffer(question), [&](asio::error_code written, std::size_t) {
    result = written;
    if (written) return;
    result = asio::error::timed_out;
    asio::async_read(socket, asio::dynamic_buffer(answer), [&](asio::error_code read, std::size_t) { result = read; });
  });
  context.run_for(timeout);
  if (result == asio::error::eof) return answer;
  return tl::unexpected(no_answer(path, result));
}

}  // namespace ctgate::control

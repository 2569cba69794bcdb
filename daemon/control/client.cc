// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/control/client.hh"

#include <fmt/format.h>

#include <asio.hpp>
#include <cerrno>
#include <chrono>

namespace ctgate::control {
namespace {

constexpr std::chrono::seconds answer_timeout{5};

Error no_answer(const std::filesystem::path& socket, const asio::error_code& error) {
  const bool absent = error.value() == ENOENT || error.value() == ECONNREFUSED;
  return {
      ExitCode::system,
      fmt::format("{}: {}; {}", socket.string(), error.message(),
                  absent ? "ctgated is not running with this runtime directory (start it, or choose another directory "
                           "with --runtime-dir)"
                         : "this needs root or the daemon's user")};
}

}  // namespace

Expected<std::string> request(const std::filesystem::path& path, std::string_view line) {
  asio::io_context context;
  asio::local::stream_protocol::socket socket(context);
  const std::string question = std::string(line) + "\n";
  std::string answer;
  asio::error_code result = asio::error::timed_out;
  try {
    socket.async_connect(asio::local::stream_protocol::endpoint(path.string()), [&](asio::error_code connected) {
      result = connected;
      if (connected) return;
      asio::async_write(socket, asio::buffer(question), [&](asio::error_code written, std::size_t) {
        result = written;
        if (written) return;
        result = asio::error::timed_out;
        asio::async_read(socket, asio::dynamic_buffer(answer),
                         [&](asio::error_code read, std::size_t) { result = read; });
      });
    });
  } catch (const std::system_error& error) {  // a path longer than sun_path
    return tl::unexpected(no_answer(path, error.code()));
  }
  context.run_for(answer_timeout);
  if (result == asio::error::eof) return answer;
  return tl::unexpected(no_answer(path, result));
}

}  // namespace ctgate::control

// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/control/server.hh"

#include <fmt/format.h>
#include <sys/stat.h>

#include <chrono>
#include <memory>

namespace ctgate::control {
namespace {

using Protocol = asio::local::stream_protocol;

constexpr std::size_t longest_request = 4096;  // bytes
constexpr std::chrono::seconds patience{5};    // with a client that does not finish its request or read its answer

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Protocol::socket socket, const Server::Handler& handler)
      : socket_(std::move(socket)), timer_(socket_.get_executor()), handler_(handler) {}

  void start() {
    auto self = shared_from_this();
    timer_.expires_after(patience);
    timer_.async_wait([self](const asio::error_code& error) {
      if (!error) self->close();
    });
    asio::async_read_until(socket_, asio::dynamic_buffer(text_, longest_request), '\n',
                           [self](const asio::error_code& error, std::size_t length) {
                             if (error) return self->close();
                             self->answer(length - 1);
                           });
  }

 private:
  void answer(std::size_t length) {
    text_ = handler_(text_.substr(0, length)) + "\n";
    asio::async_write(socket_, asio::buffer(text_),
                      [self = shared_from_this()](const asio::error_code&, std::size_t) { self->close(); });
  }

  void close() {
    asio::error_code ignored;
    timer_.cancel();
    socket_.close(ignored);
  }

  Protocol::socket socket_;
  asio::steady_timer timer_;
  const Server::Handler& handler_;  // the server outlives the event loop's run
  std::string text_;
};

bool somebody_listens(asio::io_context& context, const std::filesystem::path& path) {
  Protocol::socket probe(context);
  asio::error_code error;
  probe.connect(Protocol::endpoint(path.string()), error);
  return !error;
}

}  // namespace

Server::Server(asio::io_context& context, std::filesystem::path path, Handler handler)
    : path_(std::move(path)), handler_(std::move(handler)), acceptor_(context) {}

Expected<std::unique_ptr<Server>> Server::listen(asio::io_context& context, const std::filesystem::path& path,
                                                 Handler handler) {
  try {
    if (somebody_listens(context, path)) {
      return system_error(fmt::format(
          "{}: another ctgated answers here; stop it, or choose another directory with --runtime-dir", path.string()));
    }
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
    std::unique_ptr<Server> server(new Server(context, path, std::move(handler)));
    server->acceptor_.open();
    const mode_t before = umask(0177);  // bind(2) makes the file
    asio::error_code bound;
    server->acceptor_.bind(Protocol::endpoint(path.string()), bound);
    umask(before);
    if (bound) throw std::system_error(bound);
    server->acceptor_.listen();
    server->accept();
    return server;
  } catch (const std::system_error& error) {
    return system_error(fmt::format("{}: {}", path.string(), error.what()));
  }
}

Server::~Server() {
  std::error_code ignored;
  if (acceptor_.is_open()) std::filesystem::remove(path_, ignored);
}

void Server::accept() {
  acceptor_.async_accept([this](const asio::error_code& error, Protocol::socket socket) {
    if (error == asio::error::operation_aborted) return;
    if (!error) std::make_shared<Session>(std::move(socket), handler_)->start();
    accept();
  });
}

}  // namespace ctgate::control

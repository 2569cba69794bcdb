// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/control/server.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <memory>

namespace ctgate::control {
namespace {

using Protocol = asio::local::stream_protocol;

constexpr std::size_t longest_request = 4096;      // bytes
constexpr std::chrono::seconds client_timeout{5};  // for a client that does not finish its request or read its answer

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Protocol::socket socket, const Server::Handler& handler)
      : socket_(std::move(socket)), timer_(socket_.get_executor()), handler_(handler) {}

  void start() {
    auto self = shared_from_this();
    wait_for_client();
    asio::async_read_until(socket_, asio::dynamic_buffer(text_, longest_request), '\n',
                           [self](const asio::error_code& error, std::size_t length) {
                             if (error) return self->close();
                             self->answer(length - 1);
                           });
  }

 private:
  void wait_for_client() {
    timer_.expires_after(client_timeout);
    timer_.async_wait([self = shared_from_this()](const asio::error_code& error) {
      if (!error) self->close();
    });
  }

  void answer(std::size_t length) {
    timer_.cancel();  // it is the daemon's turn
    handler_(text_.substr(0, length), [self = shared_from_this()](std::string answer) { self->write(answer); });
  }

  void write(const std::string& answer) {
    text_ = answer + "\n";
    wait_for_client();
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

std::string lock_path(const std::filesystem::path& socket) {
  return socket.string() + ".lock";
}

// Whether the lock file that is open is still the one with that name: its last owner removes it.
bool is_current(int fd, const std::string& path) {
  struct stat opened {};
  struct stat named {};
  return fstat(fd, &opened) == 0 && stat(path.c_str(), &named) == 0 && opened.st_ino == named.st_ino &&
         opened.st_dev == named.st_dev;
}

tl::unexpected<Error> another_runs(const std::filesystem::path& socket, std::string_view process) {
  return system_error(fmt::format(
      "{}: another ctgated{} runs with this runtime directory; stop it, or name another directory with --runtime-dir",
      socket.string(), process));
}

// The lock is the process's own and goes with it, however it ends: a worker closes what it inherits.
Expected<FileDescriptor> take_lock(const std::filesystem::path& socket) {
  const std::string path = lock_path(socket);
  for (;;) {
    FileDescriptor lock(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock) return errno_error("open the lock file " + path, errno);
    if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) return errno_error("lock " + path, errno);
      char pid[16]{};
      const auto size = pread(lock.get(), pid, sizeof pid - 1, 0);
      return another_runs(socket, size > 0 ? fmt::format(" (process {})", pid) : std::string());
    }
    if (!is_current(lock.get(), path)) continue;
    const std::string pid = std::to_string(getpid());
    if (ftruncate(lock.get(), 0) != 0 || pwrite(lock.get(), pid.data(), pid.size(), 0) < 0) {
      return errno_error("write the lock file " + path, errno);
    }
    return lock;
  }
}

// Versions before the lock file have none.
bool somebody_listens(asio::io_context& context, const std::filesystem::path& path) {
  Protocol::socket probe(context);
  asio::error_code error;
  probe.connect(Protocol::endpoint(path.string()), error);
  return !error;
}

}  // namespace

Server::Server(asio::io_context& context, std::filesystem::path path, FileDescriptor lock, Handler handler)
    : path_(std::move(path)), lock_(std::move(lock)), handler_(std::move(handler)), acceptor_(context) {}

Expected<std::unique_ptr<Server>> Server::listen(asio::io_context& context, const std::filesystem::path& path,
                                                 Handler handler) {
  auto lock = take_lock(path);
  if (!lock) return tl::unexpected(lock.error());
  std::unique_ptr<Server> server(new Server(context, path, std::move(*lock), std::move(handler)));
  try {
    if (somebody_listens(context, path)) return another_runs(path, "");
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
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
  if (!is_current(lock_.get(), lock_path(path_))) return;  // somebody emptied the directory, and another one runs there
  std::error_code ignored;
  if (acceptor_.is_open()) std::filesystem::remove(path_, ignored);
  std::filesystem::remove(lock_path(path_), ignored);
}

void Server::accept() {
  acceptor_.async_accept([this](const asio::error_code& error, Protocol::socket socket) {
    if (error == asio::error::operation_aborted) return;
    if (!error) std::make_shared<Session>(std::move(socket), handler_)->start();
    accept();
  });
}

}  // namespace ctgate::control

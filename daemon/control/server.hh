// SPDX-License-Identifier: GPL-2.0-or-later
// The server side of the control socket: one line of JSON in, one line of JSON out, then the connection ends.
#pragma once

#include <asio.hpp>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "daemon/control/protocol.hh"
#include "policy/base/error.hh"
#include "policy/base/file_descriptor.hh"

namespace ctgate::control {

class Server {
 public:
  // Gives the answer, without its line end. To be called once, now or later, in the same context.
  using Reply = std::function<void(std::string answer)>;
  // Gets the request without its line end.
  using Handler = std::function<void(const std::string& request, Reply reply)>;

  // Listens on `path`, mode 0600. A lock on the file `path`.lock decides between daemons that start at once: the others
  // get an error that names the process, and touch nothing. A socket that a crashed daemon left is replaced. `handler`
  // runs in `context`.
  [[nodiscard]] static Expected<std::unique_ptr<Server>> listen(asio::io_context& context,
                                                                const std::filesystem::path& path, Handler handler);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  // Removes socket and lock.
  ~Server();

 private:
  Server(asio::io_context& context, std::filesystem::path path, FileDescriptor lock, Handler handler);
  void accept();

  std::filesystem::path path_;
  FileDescriptor lock_;
  Handler handler_;
  asio::local::stream_protocol::acceptor acceptor_;
};

}  // namespace ctgate::control

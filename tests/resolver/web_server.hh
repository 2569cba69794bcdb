// SPDX-License-Identifier: GPL-2.0-or-later
// An HTTP server that has one page, for programs that fetch by name.
#pragma once

#include <memory>
#include <thread>
#include <vector>

#include "daemon/lab/namespace.hh"
#include "policy/base/error.hh"
#include "policy/base/file_descriptor.hh"

namespace ctgate::test {

// A thread that answers every request on port 80 of every address with "hello\n"; until the object is destroyed.
class WebServer {
 public:
  [[nodiscard]] static Expected<std::unique_ptr<WebServer>> start(const lab::NetworkNamespace& where);
  ~WebServer();
  WebServer(const WebServer&) = delete;
  WebServer& operator=(const WebServer&) = delete;
  WebServer(WebServer&&) = delete;
  WebServer& operator=(WebServer&&) = delete;

 private:
  WebServer(FileDescriptor listener, FileDescriptor stop);
  void run() const;

  FileDescriptor listener_, stop_;
  std::thread thread_;
};

}  // namespace ctgate::test

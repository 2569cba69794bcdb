// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/ctgate/resolve/instruments/libc_probe.hh"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <nss.h>
#include <resolv.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <iostream>
#include <thread>

#include "policy/base/file_descriptor.hh"
#include "policy/base/run_program.hh"

namespace ctgate::lookup {
namespace {

using std::chrono::milliseconds;

constexpr int timeout_seconds = 1;                // how long libc waits here if it has the bug
constexpr milliseconds waited_at_least{500};      // without the bug: less than 1 ms, but machines stall
constexpr milliseconds limit{5000};               // for the child
constexpr char name[] = "probe.ctgate.invalid.";  // RFC 6761 6.4; the dot keeps the search list out
constexpr std::size_t header_size = 12;

// A name server in a thread, on a free port of 127.0.0.1, that answers every question with SERVFAIL until it is
// destroyed.
class FailingServer {
 public:
  FailingServer() = default;
  ~FailingServer() {
    if (!thread_.joinable()) return;
    ::shutdown(socket_.get(), SHUT_RDWR);  // ends a blocked recvfrom(2), although it returns ENOTCONN
    thread_.join();
  }
  FailingServer(const FailingServer&) = delete;
  FailingServer& operator=(const FailingServer&) = delete;
  FailingServer(FailingServer&&) = delete;
  FailingServer& operator=(FailingServer&&) = delete;

  Expected<void> start() {
    socket_ = FileDescriptor(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address_;
    if (!socket_ || ::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address_), sizeof address_) != 0 ||
        ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address_), &length) != 0) {
      return errno_error("open a port on 127.0.0.1", errno);
    }
    thread_ = std::thread([this] { serve(); });
    return {};
  }
  [[nodiscard]] const sockaddr_in& address() const { return address_; }
  [[nodiscard]] unsigned questions() const { return questions_; }

 private:
  void serve() {
    std::array<unsigned char, 512> message{};
    for (;;) {
      sockaddr_in source{};
      socklen_t length = sizeof source;
      const auto size =
          ::recvfrom(socket_.get(), message.data(), message.size(), 0, reinterpret_cast<sockaddr*>(&source), &length);
      if (size <= 0) return;  // shut down
      if (static_cast<std::size_t>(size) < header_size) continue;
      ++questions_;
      message[2] |= 0x80;  // QR: an answer, RFC 1035 4.1.1
      message[3] = 0x82;   // RA, RCODE 2: SERVFAIL
      ::sendto(socket_.get(), message.data(), static_cast<std::size_t>(size), 0,
               reinterpret_cast<const sockaddr*>(&source), length);
    }
  }

  FileDescriptor socket_;
  sockaddr_in address_{};
  std::atomic<unsigned> questions_{0};
  std::thread thread_;
};

// libc does not overwrite a state that the program changed after initialisation (resolv/resolv_context.c, maybe_init),
// and asks no name service cache once a program has configured a database (nss/nss_database.c).
void configure_libc(const sockaddr_in& server) {
  __nss_configure_lookup("hosts", "dns");
  ::res_init();
  _res.options = RES_DEFAULT | RES_INIT | RES_SNGLKUP;
  _res.retrans = timeout_seconds;
  _res.retry = 1;
  _res.nscount = 1;
  _res.nsaddr_list[0] = server;
}

Expected<LibcProbe> probe_once() {
  auto environment = plain_environment();
  environment.emplace_back("CTGATE_DISABLE=1");  // in case /etc/ld.so.preload loads the library
  const auto child = run_program({"/proc/self/exe", "libc-probe-child"},
                                 {.environment = environment, .errors_apart = true, .limit = limit});
  if (!child) return tl::unexpected(child.error());
  if (child->timed_out) return system_error(fmt::format("a lookup took longer than {} s", limit.count() / 1000));
  const auto result = read_libc_probe(child->output);
  if (child->exit_code != 0 || !result) {
    return system_error(fmt::format("the probe failed with exit code {}: {}", child->exit_code, child->errors));
  }
  if (result->questions == 0) return system_error("no question arrived on 127.0.0.1: is the interface lo up?");
  return *result;
}

}  // namespace

bool LibcProbe::affected() const {
  return duration >= waited_at_least;
}

Expected<LibcProbe> probe_libc() {
  const auto first = probe_once();
  return first && first->affected() ? probe_once() : first;
}

Expected<void> probe_libc_here() {
  FailingServer server;
  if (const auto started = server.start(); !started) return tl::unexpected(started.error());
  configure_libc(server.address());
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const auto begin = std::chrono::steady_clock::now();
  if (getaddrinfo(name, nullptr, &hints, &list) == 0) freeaddrinfo(list);
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin);
  std::cout << "us " << took.count() << " questions " << server.questions() << '\n';
  return {};
}

std::optional<LibcProbe> read_libc_probe(const std::string& output) {
  long long us = 0;
  LibcProbe result;
  if (std::sscanf(output.c_str(), "us %lld questions %u", &us, &result.questions) != 2) return std::nullopt;
  result.duration = std::chrono::microseconds(us);
  return result;
}

}  // namespace ctgate::lookup

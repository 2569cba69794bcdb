// SPDX-License-Identifier: GPL-2.0-or-later
// An ordinary program that knows nothing of ctgate: bursts at the start of new UDP flows, with the call and the kind of
// socket that its arguments name. It waits for the echoes and prints one line:
//
//   answered=N sent=N first_us=N longest_us=N
//
// first_us: the median time that the first datagram of a flow took to send, longest_us the longest time of any
// datagram.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "daemon/lab/arrival.hh"

namespace {

using Clock = std::chrono::steady_clock;

struct Arguments {
  std::string call = "send", family = "4", mode = "blocking", address = "127.0.0.1";
  bool connected = true;
  std::uint32_t flows = 20, datagrams = 4;
  std::uint16_t port = 9000;
  int pause_ms = 5;        // between two flows
  int deadline_ms = 1000;  // for the last echo
};

struct Timings {
  std::vector<long> first, all;  // microseconds
};

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(10);
}

Arguments parse(int argc, char** argv) {
  std::map<std::string, std::string> words;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    words[word.substr(0, word.find('='))] = word.substr(word.find('=') + 1);
  }
  Arguments result;
  const auto text = [&](const char* key, std::string& value) { value = words.count(key) ? words[key] : value; };
  const auto number = [&](const char* key, auto& value) {
    if (words.count(key)) value = static_cast<std::remove_reference_t<decltype(value)>>(std::stoi(words[key]));
  };
  text("call", result.call);
  text("family", result.family);
  text("mode", result.mode);
  text("address", result.address);
  number("connected", result.connected);
  number("flows", result.flows);
  number("datagrams", result.datagrams);
  number("port", result.port);
  number("pause", result.pause_ms);
  number("deadline", result.deadline_ms);
  return result;
}

class Flow {
 public:
  Flow(const Arguments& arguments, std::uint32_t number) : arguments_(arguments), number_(number) {
    const bool ipv4 = arguments.family == "4";
    const int flags = SOCK_CLOEXEC | (arguments.mode == "epoll" ? SOCK_NONBLOCK : 0);
    fd_ = socket(ipv4 ? AF_INET : AF_INET6, SOCK_DGRAM | flags, 0);
    if (fd_ < 0) fail("socket");
    const std::string address = arguments.family == "mapped" ? "::ffff:" + arguments.address : arguments.address;
    if (ipv4) {
      auto* name = reinterpret_cast<sockaddr_in*>(&name_);
      *name = {.sin_family = AF_INET, .sin_port = htons(arguments.port), .sin_addr = {}, .sin_zero = {}};
      if (inet_pton(AF_INET, address.c_str(), &name->sin_addr) != 1) fail(address.c_str());
      length_ = sizeof *name;
    } else {
      auto* name = reinterpret_cast<sockaddr_in6*>(&name_);
      name->sin6_family = AF_INET6;
      name->sin6_port = htons(arguments.port);
      if (inet_pton(AF_INET6, address.c_str(), &name->sin6_addr) != 1) fail(address.c_str());
      length_ = sizeof *name;
    }
    if (arguments.connected && connect(fd_, this->name(), length_) != 0) fail("connect");
    const int off = 0;
    setsockopt(fd_, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  }

  [[nodiscard]] int fd() const { return fd_; }

  void send_all(Timings& timings) {
    if (arguments_.call == "sendmmsg") return send_together(timings);
    if (arguments_.mode == "threads") return send_from_threads(timings);
    for (std::uint32_t i = 0; i < arguments_.datagrams; ++i) time(timings, i == 0, [&] { send_one(i); });
  }

 private:
  [[nodiscard]] const sockaddr* name() const { return reinterpret_cast<const sockaddr*>(&name_); }

  template <typename Function>
  void time(Timings& timings, bool first, Function&& function) {
    const auto start = Clock::now();
    function();
    const auto us =
        static_cast<long>(std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start).count());
    (first ? timings.first : timings.all).push_back(us);
  }

  // A program that waits until the socket can be written to, and then does not expect to be refused.
  void wait_writable() const {
    const int set = epoll_create1(EPOLL_CLOEXEC);
    epoll_event event{.events = EPOLLOUT, .data = {}};
    if (epoll_ctl(set, EPOLL_CTL_ADD, fd_, &event) != 0 || epoll_wait(set, &event, 1, 1000) != 1) fail("epoll");
    close(set);
  }

  void send_one(std::uint32_t index) {
    if (arguments_.mode == "epoll") wait_writable();
    const auto payload = ctgate::lab::encode({number_, index});
    iovec parts[2] = {{const_cast<std::uint8_t*>(payload.data()), 4},
                      {const_cast<std::uint8_t*>(payload.data()) + 4, payload.size() - 4}};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    if (!arguments_.connected) {
      message.msg_name = &name_;
      message.msg_namelen = length_;
    }
    ssize_t sent = -1;
    if (arguments_.call == "send") sent = send(fd_, payload.data(), payload.size(), 0);
    if (arguments_.call == "sendto") {
      sent = sendto(fd_, payload.data(), payload.size(), 0, arguments_.connected ? nullptr : name(),
                    arguments_.connected ? 0 : length_);
    }
    if (arguments_.call == "sendmsg") sent = sendmsg(fd_, &message, 0);
    if (arguments_.call == "write") sent = write(fd_, payload.data(), payload.size());
    if (arguments_.call == "writev") sent = writev(fd_, parts, 2);
    if (sent != static_cast<ssize_t>(payload.size())) fail(arguments_.call.c_str());
  }

  void send_together(Timings& timings) {
    std::vector<std::array<std::uint8_t, ctgate::lab::mark_size>> payloads;
    for (std::uint32_t i = 0; i < arguments_.datagrams; ++i) payloads.push_back(ctgate::lab::encode({number_, i}));
    std::vector<iovec> parts;
    for (auto& payload : payloads) parts.push_back({payload.data(), payload.size()});
    std::vector<mmsghdr> messages(payloads.size());
    for (std::size_t i = 0; i < messages.size(); ++i) {
      messages[i].msg_hdr.msg_iov = &parts[i];
      messages[i].msg_hdr.msg_iovlen = 1;
      if (!arguments_.connected) {
        messages[i].msg_hdr.msg_name = &name_;
        messages[i].msg_hdr.msg_namelen = length_;
      }
    }
    if (arguments_.mode == "epoll") wait_writable();
    time(timings, false, [&] {
      if (sendmmsg(fd_, messages.data(), static_cast<unsigned>(messages.size()), 0) !=
          static_cast<int>(messages.size())) {
        fail("sendmmsg");
      }
    });
    for (const auto& message : messages) {
      if (message.msg_len != ctgate::lab::mark_size) fail("msg_len");
    }
  }

  // Two threads on one socket, each with half of the datagrams.
  void send_from_threads(Timings& timings) {
    const auto half = [&](std::uint32_t from) {
      for (std::uint32_t i = from; i < arguments_.datagrams; i += 2) send_one(i);
    };
    time(timings, false, [&] {
      std::thread second(half, 1);
      half(0);
      second.join();
    });
  }

  const Arguments& arguments_;
  std::uint32_t number_;
  int fd_ = -1;
  sockaddr_storage name_{};
  socklen_t length_ = 0;
};

unsigned count_answers(const std::vector<Flow>& flows, unsigned wanted, int deadline_ms) {
  std::vector<pollfd> sockets;
  for (const auto& flow : flows) sockets.push_back({flow.fd(), POLLIN, 0});
  const auto end = Clock::now() + std::chrono::milliseconds(deadline_ms);
  unsigned count = 0;
  while (count < wanted && Clock::now() < end) {
    poll(sockets.data(), sockets.size(), 20);
    for (const auto& socket : sockets) {
      char buffer[64];
      while (recv(socket.fd, buffer, sizeof buffer, MSG_DONTWAIT) >= 0) ++count;
    }
  }
  return count;
}

}  // namespace

int main(int argc, char** argv) {
  const Arguments arguments = parse(argc, argv);
  std::vector<Flow> flows;
  Timings timings;
  for (std::uint32_t i = 0; i < arguments.flows; ++i) {
    if (i > 0) std::this_thread::sleep_for(std::chrono::milliseconds(arguments.pause_ms));
    flows.emplace_back(arguments, i);
    flows.back().send_all(timings);
  }
  const unsigned sent = arguments.flows * arguments.datagrams;
  const unsigned answered = count_answers(flows, sent, arguments.deadline_ms);
  timings.all.insert(timings.all.end(), timings.first.begin(), timings.first.end());
  std::sort(timings.first.begin(), timings.first.end());
  std::printf("answered=%u sent=%u first_us=%ld longest_us=%ld\n", answered, sent,
              timings.first.empty() ? 0 : timings.first[timings.first.size() / 2],
              *std::max_element(timings.all.begin(), timings.all.end()));
  return 0;
}

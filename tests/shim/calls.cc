// SPDX-License-Identifier: GPL-2.0-or-later
// What single sends return, and datagrams that are not what they seem. What is printed must be the same with the
// library as without it, except for lines that end in "_us", which are times.
#include <fcntl.h>
#include <net/if.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/uio.h>

#include <csignal>
#include <string>
#include <vector>

#include "tests/shim/program.hh"

namespace {

using namespace program;

void report(const char* what, ssize_t result) {
  std::printf("%s: %zd %s\n", what, result, result < 0 ? strerrorname_np(errno) : "");
}

// --- errno -----------------------------------------------------------------------------------------------------------

// The kernel's own words, for what it refuses.
void errors() {
  signal(SIGPIPE, SIG_IGN);
  const std::vector<char> huge(70'000);
  const int udp = open_socket(), file = open("/dev/null", O_WRONLY | O_CLOEXEC);
  const auto nowhere = with_port(service, 0);
  volatile int bad_count = -1;   // as the compiler must not know
  for (int i = 0; i < 3; ++i) {  // the second one is the one that would wait
    report("not connected", send(udp, "x", 1, 0));
    report("not connected, write", write(udp, "x", 1));
    report("port 0", sendto(udp, "x", 1, 0, generic(nowhere), sizeof nowhere));
    report("short address", sendto(udp, "x", 1, 0, generic(service), 4));
    report("no message", sendmsg(udp, nullptr, 0));
    report("too long", sendto(udp, huge.data(), huge.size(), 0, generic(service), sizeof service));
    report("bad descriptor", sendto(-1, "x", 1, 0, generic(service), sizeof service));
    report("closed descriptor", sendto(999, "x", 1, 0, generic(service), sizeof service));
    report("huge descriptor", sendto(99'999, "x", 1, 0, generic(service), sizeof service));
    report("no socket", sendto(file, "x", 1, 0, generic(service), sizeof service));
    report("no socket, send", send(file, "x", 1, 0));
    report("unknown flags", sendto(udp, "x", 1, MSG_OOB, generic(service), sizeof service));
    report("bad vector", writev(udp, nullptr, bad_count));
  }
  int ends[2];
  require(pipe(ends) == 0, "pipe");
  close(ends[0]);
  report("broken pipe", write(ends[1], "x", 1));
  const int shut = open_connected();
  require(shutdown(shut, SHUT_WR) == 0, "shutdown");
  report("after shutdown", send(shut, "x", 1, MSG_NOSIGNAL));
  report("after shutdown, write", write(shut, "x", 1));
}

// A closed port's answer is the next send's error, and the one behind it goes again.
void refused() {
  const int fd = open_connected(with_port(other, 9));
  for (int i = 0; i < 3; ++i) {
    report("to a closed port", send(fd, "x", 1, 0));
    pollfd answer{fd, POLLERR, 0};
    require(poll(&answer, 1, 5000) == 1, "the answer");
    report("after the answer", send(fd, "x", 1, 0));
  }
}

void errno_kept() {
  for (unsigned flow = 0; flow < 6; ++flow) {
    const int fd = flow % 2 == 0 ? open_socket() : open_connected();
    for (unsigned index = 0; index < 3; ++index) {
      errno = 4711;
      flow % 2 == 0 ? send_mark_to(fd, service, flow, index) : send_mark(fd, flow, index);
      require(errno == 4711, "errno is kept");
    }
  }
  print("sent", 18);
}

// --- leaders that do not get out -------------------------------------------------------------------------------------

// The lab drops what has this mark.
void set_mark(int fd, int value) {
  require(setsockopt(fd, SOL_SOCKET, SO_MARK, &value, sizeof value) == 0, "SO_MARK");
}

void failing_leader() {
  constexpr unsigned flows = 8;
  sockaddr_in unreachable = service;
  require(inet_pton(AF_INET, "203.0.113.1", &unreachable.sin_addr) == 1, "inet_pton");
  long longest = 0;
  for (unsigned flow = 0; flow < flows; ++flow) {
    const int fd = open_socket();
    set_mark(fd, 1);
    const long start = microseconds();
    for (int i = 0; i < 3; ++i) {
      report("unreachable", sendto(fd, "x", 1, 0, generic(unreachable), sizeof unreachable));
      report("forbidden", sendto(fd, "x", 1, 0, generic(service), sizeof service));
    }
    set_mark(fd, 0);
    send_mark_to(fd, service, flow, 0);
    const long took = microseconds() - start;
    if (took > longest) longest = took;
    send_mark_to(fd, service, flow, 1);
  }
  print("sent", flows * 2);
  print("failures_us", longest);
}

// --- datagrams in pieces, and several in one -------------------------------------------------------------------------

constexpr unsigned pieced_flows = 8;

template <typename SendPieces>
void time_pieces(SendPieces send_pieces) {
  const long start = microseconds();
  for (unsigned flow = 0; flow < pieced_flows; ++flow) {
    for (unsigned index = 0; index < 3; ++index) send_pieces(flow, index);
  }
  print("total_us", microseconds() - start);
  print("sent", pieced_flows * 3);
}

void more() {
  int fd = -1;
  time_pieces([&](unsigned flow, unsigned index) {
    if (index == 0) fd = flow % 2 == 0 ? open_connected() : open_socket();
    const auto* name = flow % 2 == 0 ? nullptr : generic(service);
    const socklen_t length = flow % 2 == 0 ? 0 : sizeof service;
    const auto bytes = mark(flow, index);
    require(sendto(fd, bytes.data(), 3, MSG_MORE, name, length) == 3, "first piece");
    require(sendto(fd, bytes.data() + 3, 4, MSG_MORE, name, length) == 4, "second piece");
    require(sendto(fd, bytes.data() + 7, 5, 0, name, length) == 5, "last piece");
  });
}

void cork() {
  int fd = -1;
  time_pieces([&](unsigned flow, unsigned index) {
    if (index == 0) fd = open_connected();
    const auto bytes = mark(flow, index);
    const int on = 1, off = 0;
    require(setsockopt(fd, IPPROTO_UDP, UDP_CORK, &on, sizeof on) == 0, "UDP_CORK");
    require(send(fd, bytes.data(), 3, 0) == 3, "first piece");
    require(write(fd, bytes.data() + 3, 4) == 4, "second piece");
    require(send(fd, bytes.data() + 7, 5, 0) == 5, "last piece");
    require(setsockopt(fd, IPPROTO_UDP, UDP_CORK, &off, sizeof off) == 0, "UDP_CORK");
  });
}

// UDP_SEGMENT: one sendmsg(2) with four datagrams.
void send_segments(int fd, unsigned flow, unsigned first) {
  std::array<Mark, 4> bytes{};
  for (unsigned i = 0; i < bytes.size(); ++i) bytes[i] = mark(flow, first + i);
  iovec data{bytes.data(), sizeof bytes};
  const std::uint16_t size = sizeof(Mark);
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof size)] = {};
  msghdr message{};
  message.msg_name = &service;
  message.msg_namelen = sizeof service;
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  auto* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = IPPROTO_UDP;
  header->cmsg_type = UDP_SEGMENT;
  header->cmsg_len = CMSG_LEN(sizeof size);
  std::memcpy(CMSG_DATA(header), &size, sizeof size);
  report("segments", sendmsg(fd, &message, 0));
}

void segments() {
  constexpr unsigned flows = 8;
  for (unsigned flow = 0; flow < flows; ++flow) {
    const int fd = open_socket();
    send_mark_to(fd, service, flow, 0);
    send_segments(fd, flow, 1);
    send_mark_to(fd, service, flow, 5);
  }
  print("sent", flows * 6);
}

// --- kinds of sends --------------------------------------------------------------------------------------------------

void dont_wait() {
  constexpr unsigned flows = 8;
  for (unsigned flow = 0; flow < flows; ++flow) {
    const int fd = open_connected();
    for (unsigned index = 0; index < 3; ++index) {
      const auto bytes = mark(flow, index);
      require(send(fd, bytes.data(), bytes.size(), MSG_DONTWAIT) == 12, "send with MSG_DONTWAIT");
    }
  }
  print("sent", flows * 3);
  const int full = open_socket(), little = 1;
  require(setsockopt(full, SOL_SOCKET, SO_SNDBUF, &little, sizeof little) == 0, "SO_SNDBUF");
  int room = 0;
  for (; room < 1000; ++room) {
    const auto name = with_port(service, 20'000U + static_cast<unsigned>(room));
    if (sendto(full, "x", 1, MSG_DONTWAIT, generic(name), sizeof name) < 0) break;
  }
  report("a full buffer", room < 1000 ? -1 : 0);
}

void empty() {
  constexpr unsigned flows = 8;
  for (unsigned flow = 0; flow < flows; ++flow) {
    const int fd = open_socket(), connected = open_connected();
    report("empty", sendto(fd, nullptr, 0, 0, generic(service), sizeof service));
    report("empty, connected", send(connected, nullptr, 0, 0));
    send_mark_to(fd, service, flow, 0);
    send_mark(connected, flows + flow, 0);
    report("empty", sendto(fd, "", 0, 0, generic(service), sizeof service));
  }
  print("sent", flows * 2);
}

constexpr Case cases[] = {
    {"errors", errors}, {"refused", refused}, {"errno-kept", errno_kept}, {"failing-leader", failing_leader},
    {"more", more},     {"cork", cork},       {"segments", segments},     {"dont-wait", dont_wait},
    {"empty", empty},
};

}  // namespace

int main(int argc, char** argv) {
  return run_case(argc, argv, cases);
}

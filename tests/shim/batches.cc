// SPDX-License-Identifier: GPL-2.0-or-later
// sendmmsg(2): what it returns, and many destinations. What is printed must be the same with the library as without it,
// except for lines that end in "_us", which are times.
#include <vector>

#include "tests/shim/program.hh"

namespace {

using namespace program;

class Batch {
 public:
  void add(const sockaddr_in* name, unsigned flow, unsigned index) {
    entries_.push_back({name, mark(flow, index), {}});
  }
  void add_huge(const sockaddr_in* name) {
    static std::vector<std::uint8_t> huge(70'000);
    entries_.push_back({name, {}, {huge.data(), huge.size()}});
  }

  int send(int fd, int flags = 0) {
    messages_.assign(entries_.size(), {});
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      auto& entry = entries_[i];
      if (entry.data.iov_len == 0) entry.data = {entry.bytes.data(), entry.bytes.size()};
      auto& header = messages_[i].msg_hdr;
      header.msg_iov = &entry.data;
      header.msg_iovlen = 1;
      if (entry.name != nullptr) {
        header.msg_name = const_cast<sockaddr_in*>(entry.name);
        header.msg_namelen = sizeof *entry.name;
      }
    }
    return sendmmsg(fd, messages_.data(), static_cast<unsigned>(messages_.size()), flags);
  }

  // Sends, and prints everything that the call gives back.
  void report(const char* what, int fd) {
    errno = 4711;
    const int result = send(fd);
    std::printf("%s: %d %s;", what, result, errno == 4711 ? "-" : strerrorname_np(errno));
    for (const auto& message : messages_) std::printf(" %u", message.msg_len);
    std::printf("\n");
  }

 private:
  struct Entry {
    const sockaddr_in* name;
    Mark bytes;
    iovec data;
  };
  std::vector<Entry> entries_;
  std::vector<mmsghdr> messages_;
};

// A message that can't be sent at each place of a batch of four to a new destination, and to a known one.
void partial() {
  unsigned sent = 0;
  for (unsigned bad = 0; bad < 4; ++bad) {
    for (const bool connected : {true, false}) {
      const unsigned flow = bad * 2 + (connected ? 1 : 0);
      const int fd = connected ? open_connected() : open_socket();
      for (unsigned round = 0; round < 2; ++round) {
        Batch batch;
        for (unsigned i = 0; i < 4; ++i) {
          const auto* name = connected ? nullptr : &service;
          i == bad ? batch.add_huge(name) : batch.add(name, flow, round * 4 + i);
        }
        batch.report("partial", fd);
        sent += bad;
      }
    }
  }
  print("sent", sent);
}

void odd_arguments() {
  const int fd = open_socket();
  errno = 0;
  std::printf("none: %d\n", sendmmsg(fd, nullptr, 0, 0));
  std::printf("bad pointer: %d %s\n", sendmmsg(fd, nullptr, 2, 0), strerrorname_np(errno));
  std::printf("bad descriptor: %d %s\n", sendmmsg(-1, nullptr, 0, 0), strerrorname_np(errno));
  Batch batch;
  batch.add(&service, 0, 0);
  batch.report("bad descriptor", -1);
  Batch nowhere;
  nowhere.add(nullptr, 0, 0);
  nowhere.add(nullptr, 0, 1);
  nowhere.report("not connected", fd);
}

// More messages than one call takes (UIO_MAXIOV).
void many() {
  const int fd = open_connected();
  Batch batch;
  for (unsigned i = 0; i < 1100; ++i) batch.add(nullptr, 0, i);
  const long start = microseconds();
  const int result = batch.send(fd);
  print("total_us", microseconds() - start);
  print("result", result);
  print("sent", result);
}

// Datagrams to three destinations by turns, in one call. (Not two or four: the lab has two backends by turns.)
void mixed() {
  constexpr unsigned destinations = 3, rounds = 5, datagrams = 4;
  sockaddr_in names[destinations];
  for (unsigned i = 0; i < destinations; ++i) names[i] = with_port(service, 10'000 + i);
  for (unsigned round = 0; round < rounds; ++round) {
    const int fd = open_socket();
    Batch batch;
    for (unsigned index = 0; index < datagrams; ++index) {
      for (unsigned i = 0; i < destinations; ++i) batch.add(&names[i], round * destinations + i, index);
    }
    batch.report("mixed", fd);
  }
  print("sent", destinations * rounds * datagrams);
}

// One socket that sends to 10,000 destinations, more than the library remembers, and then to each again.
void destinations() {
  constexpr unsigned count = 10'000;
  const int fd = open_socket();
  for (unsigned index = 0; index < 2; ++index) {
    const long start = microseconds();
    for (unsigned i = 0; i < count; ++i) send_mark_to(fd, with_port(service, 10'000 + i), i, index);
    print(index == 0 ? "first_us" : "again_us", microseconds() - start);
  }
  print("sent", count * 2);
}

// The same, in batches of datagrams to 500 destinations, each of them twice.
void destinations_in_batches() {
  constexpr unsigned count = 10'000, step = 500;
  const int fd = open_socket();
  std::vector<sockaddr_in> names;
  for (unsigned i = 0; i < count; ++i) names.push_back(with_port(service, 10'000 + i));
  const long start = microseconds();
  for (unsigned first = 0; first < count; first += step) {
    Batch batch;
    for (unsigned index = 0; index < 2; ++index) {
      for (unsigned i = first; i < first + step; ++i) batch.add(&names[i], i, index);
    }
    require(batch.send(fd) == 2 * step, "sendmmsg");
  }
  print("total_us", microseconds() - start);
  print("sent", count * 2);
}

constexpr Case cases[] = {
    {"partial", partial}, {"odd-arguments", odd_arguments}, {"many", many},
    {"mixed", mixed},     {"destinations", destinations},   {"destinations-in-batches", destinations_in_batches},
};

}  // namespace

int main(int argc, char** argv) {
  return run_case(argc, argv, cases);
}

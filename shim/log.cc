// SPDX-License-Identifier: GPL-2.0-or-later
#include "shim/log.hh"

#include <unistd.h>

#include "shim/syscall.hh"

namespace ctgate::shim {
namespace {

class Line {
 public:
  Line() { text("ctgate[").number(static_cast<std::uint64_t>(raw_syscall(__NR_getpid))).text("]: "); }
  Line& text(const char* words) {
    for (; *words != '\0'; ++words) put(*words);
    return *this;
  }
  Line& number(std::uint64_t value, unsigned base = 10, unsigned width = 1) {
    char digits[24];
    unsigned count = 0;
    for (; value != 0 || count < width; value /= base) digits[count++] = "0123456789abcdef"[value % base];
    while (count > 0) put(digits[--count]);
    return *this;
  }
  Line& endpoint(const image::Destination& destination) {
    if (destination.family == 4) {
      for (unsigned i = 0; i < 4; ++i) text(i == 0 ? "" : ".").number(destination.address[i]);
    } else {
      text("[");
      for (unsigned i = 0; i < 16; i += 2) {
        text(i == 0 ? "" : ":").number(destination.address[i] * 256U + destination.address[i + 1], 16);
      }
      text("]");
    }
    return text(":").number(destination.port);
  }
  void write() {
    put('\n');
    raw_syscall(__NR_write, STDERR_FILENO, word(&bytes_[0]), static_cast<long>(size_));
  }

 private:
  void put(char byte) {
    if (size_ < sizeof bytes_ - 1 || (byte == '\n' && size_ < sizeof bytes_)) bytes_[size_++] = byte;
  }
  char bytes_[512];
  std::size_t size_ = 0;
};

}  // namespace

void log_held(const image::Destination& destination, std::uint64_t us, bool timed_out) {
  Line line;
  line.text("held a datagram to ").endpoint(destination).text(" for ");
  line.number(us / 1000).text(".").number(us % 1000, 10, 3).text(" ms");
  if (timed_out) line.text(", then sent it although the first one had not left");
  line.write();
}

void log_refused_image(const char* path, const char* problem) {
  Line line;
  line.text("policy image ").text(path).text(" ").text(problem).text("; the built-in policy is in force");
  line.write();
}

void log_resolver(const char* name, const char* text, const char* reason) {
  Line line;
  line.text("resolver: ").text(name).text(" ").text(text).text(reason);
  line.write();
}

void log_answer(const char* name, std::uint32_t datagrams, std::uint32_t streams) {
  Line line;
  line.text("resolver: ").text(name).text(" resolved by c-ares, ").number(datagrams).text(" datagrams, ");
  line.number(streams).text(" connections").write();
}

}  // namespace ctgate::shim

// SPDX-License-Identifier: GPL-2.0-or-later
// Descriptors that change their meaning without a call that the library watches. Prints sent=N, the number of datagrams
// that must arrive.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <string>

#include "tests/shim/program.hh"

namespace {

using namespace program;

constexpr unsigned flows = 10;

// Until what the library knows about a descriptor is old: shim/descriptor_table.hh, `freshness` (8 ms), by the clock
// that it goes by.
void outlast_freshness() {
  const auto tick = [] {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
  };
  const long start = tick();
  wait_until([&] { return tick() - start > 8; }, "the clock");
}

void burst(int fd, unsigned flow) {
  for (unsigned index = 0; index < 3; ++index) send_mark(fd, flow, index);
}

void burst_to_service(int fd, unsigned flow) {
  for (unsigned index = 0; index < 3; ++index) send_mark_to(fd, service, flow, index);
}

// Everything is closed, standard descriptors too, as daemons do; then new sockets take these numbers.
void close_everything() {
  for (unsigned flow = 0; flow < flows; ++flow) burst(open_connected(), flow);
  if (syscall(SYS_close_range, 0U, ~0U, 0U) != 0) _exit(11);
  for (unsigned flow = 0; flow < flows; ++flow) {
    const int fd = open_connected();
    if (fd != static_cast<int>(flow)) _exit(12);
    burst(fd, flows + flow);
  }
}

void reuse_after_close() {
  int first = -1;
  for (unsigned flow = 0; flow < 2 * flows; ++flow) {
    const int fd = flow % 2 == 0 ? open_connected() : open_socket();
    if (first < 0) first = fd;
    require(fd == first, "the same descriptor");
    flow % 2 == 0 ? burst(fd, flow) : burst_to_service(fd, flow);
    close(fd);
  }
  print("sent", 2 * flows * 3);
}

// One descriptor that stands for another socket each time.
void reuse_after_dup2() {
  const int kept = open_socket();
  burst_to_service(kept, 0);
  for (unsigned flow = 1; flow < flows; ++flow) {
    const int fd = open_socket();
    require(dup2(fd, kept) == kept, "dup2");
    close(fd);
    outlast_freshness();
    burst_to_service(kept, flow);
  }
  print("sent", flows * 3);
}

// Numbers for which the library has no room.
void high_numbers() {
  const rlimit limit{20'000, 20'000};
  require(setrlimit(RLIMIT_NOFILE, &limit) == 0, "RLIMIT_NOFILE");
  for (unsigned flow = 0; flow < flows; ++flow) {
    const int low = open_socket(), fd = fcntl(low, F_DUPFD_CLOEXEC, 9000);
    require(fd >= 9000, "F_DUPFD_CLOEXEC");
    close(low);
    burst_to_service(fd, flow);
  }
  print("sent", flows * 3);
}

void expect_bytes(int fd, std::string_view expected, const char* what) {
  char bytes[64];
  const auto size = read(fd, bytes, sizeof bytes);
  require(size == static_cast<ssize_t>(expected.size()) && std::memcmp(bytes, expected.data(), expected.size()) == 0,
          what);
}

void write_all_ways(int fd, bool is_socket) {
  char text[] = "onetwo";
  iovec parts[2] = {{text, 3}, {text + 3, 3}};
  require(write(fd, "zero", 4) == 4, "write");
  require(writev(fd, parts, 2) == 6, "writev");
  if (is_socket) require(send(fd, "six", 3, 0) == 3, "send");
}

// What is no UDP socket takes the number of one, in the middle of a burst and when that is long over.
void other_files() {
  for (const bool at_once : {true, false}) {
    const auto replace = [&](int with) {
      const int fd = open_connected();
      burst(fd, at_once ? 0 : 1);
      require(dup2(with, fd) == fd, "dup2");
      if (!at_once) outlast_freshness();
      return fd;
    };
    int ends[2];
    require(pipe(ends) == 0, "pipe");
    write_all_ways(replace(ends[1]), false);
    expect_bytes(ends[0], "zeroonetwo", "the pipe's content");
    const int file = memfd_create("file", MFD_CLOEXEC);
    write_all_ways(replace(file), false);
    require(lseek(file, 0, SEEK_SET) == 0, "lseek");
    expect_bytes(file, "zeroonetwo", "the file's content");
    require(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
    write_all_ways(replace(ends[1]), true);
    expect_bytes(ends[0], "zeroonetwosix", "the socket's content");
  }
}

void pass_socket(int channel, int fd) {
  char byte = 'x';
  iovec data{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof fd)] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  auto* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof fd);
  std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  require(sendmsg(channel, &message, 0) == 1, "sendmsg with SCM_RIGHTS");
}

int take_socket(int channel) {
  char byte = 0;
  iovec data{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  require(recvmsg(channel, &message, 0) == 1, "recvmsg");
  const auto* header = CMSG_FIRSTHDR(&message);
  require(header != nullptr && header->cmsg_type == SCM_RIGHTS, "SCM_RIGHTS");
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return fd;
}

// A process that never called socket(2) for the sockets on which it sends.
void pass_to_process(bool connected) {
  int channel[2];
  require(socketpair(AF_UNIX, SOCK_STREAM, 0, channel) == 0, "socketpair");
  const pid_t child = fork();
  require(child >= 0, "fork");
  if (child == 0) {
    for (unsigned flow = 0; flow < flows; ++flow) {
      const int fd = take_socket(channel[1]);
      connected ? burst(fd, flow) : burst_to_service(fd, flow);
    }
    _exit(0);
  }
  for (unsigned flow = 0; flow < flows; ++flow) {
    const int fd = connected ? open_connected() : open_socket();
    pass_socket(channel[0], fd);
    close(fd);
  }
  int status = -1;
  require(waitpid(child, &status, 0) == child && status == 0, "the other process");
  print("sent", flows * 3);
}

void passed() {
  pass_to_process(false);
}
void passed_connected() {
  pass_to_process(true);
}

constexpr Case cases[] = {
    {"close-everything", close_everything}, {"reuse", reuse_after_close}, {"dup2", reuse_after_dup2},
    {"high-numbers", high_numbers},         {"other-files", other_files}, {"passed", passed},
    {"passed-connected", passed_connected},
};

}  // namespace

int main(int argc, char** argv) {
  return run_case(argc, argv, cases);
}

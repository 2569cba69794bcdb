// SPDX-License-Identifier: GPL-2.0-or-later
// Programs under a seccomp filter that knows nothing of the library's questions to the kernel: ioctl(2) and
// getsockopt(2).
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <csignal>
#include <cstddef>

#include "tests/shim/program.hh"

namespace {

using namespace program;

// Both system calls end as `action` says, from now on.
void forbid_questions(std::uint32_t action) {
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_ioctl, 2, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_getsockopt, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, action),
  };
  const sock_fprog program{sizeof filter / sizeof filter[0], filter};
  require(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "PR_SET_NO_NEW_PRIVS");
  require(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0, "PR_SET_SECCOMP");
}

void send_refused(int error) {
  constexpr unsigned flows = 10;
  const int before = open_connected();
  forbid_questions(SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error));
  int value = 0;
  socklen_t size = sizeof value;
  require(getsockopt(before, SOL_SOCKET, SO_TYPE, &value, &size) < 0 && errno == error, "the filter");
  long longest = 0;
  for (unsigned flow = 0; flow < flows; ++flow) {
    const int connected = flow == 0 ? before : open_connected(), fd = open_socket();
    const long start = microseconds();
    for (unsigned index = 0; index < 3; ++index) {
      errno = 4711;
      send_mark(connected, 2 * flow, index);
      send_mark_to(fd, service, 2 * flow + 1, index);
      require(errno == 4711, "errno is kept");
    }
    const long took = microseconds() - start;
    if (took > longest) longest = took;
  }
  print("longest_us", longest);
  print("sent", flows * 6);
}

void eperm() {
  send_refused(EPERM);
}
void enosys() {
  send_refused(ENOSYS);
}

// Everything that is no UDP, every way to send: nothing of it makes the library ask the kernel.
void no_udp() {
  forbid_questions(SECCOMP_RET_KILL_PROCESS);
  int ends[2];
  char text[] = "text";
  iovec part{text, 4};
  require(pipe(ends) == 0, "pipe");
  require(write(ends[1], text, 4) == 4 && writev(ends[1], &part, 1) == 4, "write to a pipe");
  const int file = memfd_create("file", MFD_CLOEXEC);
  require(write(file, text, 4) == 4 && writev(file, &part, 1) == 4, "write to a file");

  for (const int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}) {
    require(socketpair(AF_UNIX, type, 0, ends) == 0, "socketpair");
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    mmsghdr messages[2] = {{message, 0}, {message, 0}};
    require(write(ends[0], text, 4) == 4 && writev(ends[0], &part, 1) == 4, "write to a socket");
    require(send(ends[0], text, 4, 0) == 4 && sendto(ends[0], text, 4, 0, nullptr, 0) == 4, "send");
    require(sendmsg(ends[0], &message, 0) == 4, "sendmsg");
    require(sendmmsg(ends[0], messages, 2, 0) == 2, "sendmmsg");
  }

  // As syslog(3) and sd_notify(3) send.
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, "\0ctgate-test", 12);
  const int log = socket(AF_UNIX, SOCK_DGRAM, 0), client = socket(AF_UNIX, SOCK_DGRAM, 0);
  const auto* address = reinterpret_cast<const sockaddr*>(&name);
  require(bind(log, address, sizeof name) == 0, "bind");
  require(sendto(client, text, 4, 0, address, sizeof name) == 4, "sendto a name");
  require(connect(client, address, sizeof name) == 0 && send(client, text, 4, 0) == 4, "send to a connected name");

  const int listener = socket(AF_INET, SOCK_STREAM, 0), tcp = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in local{};
  socklen_t size = sizeof local;
  local.sin_family = AF_INET;
  local.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  require(bind(listener, generic(local), size) == 0 && listen(listener, 1) == 0, "listen");
  require(getsockname(listener, reinterpret_cast<sockaddr*>(&local), &size) == 0, "getsockname");
  require(connect(tcp, generic(local), size) == 0, "connect");
  const int accepted = accept(listener, nullptr, nullptr);
  require(send(tcp, text, 4, 0) == 4 && send(accepted, text, 4, 0) == 4 && write(accepted, text, 4) == 4, "TCP");
}

// That the filter above does kill.
void no_udp_control() {
  const int fd = open_socket();
  forbid_questions(SECCOMP_RET_KILL_PROCESS);
  int value = 0;
  ioctl(fd, FIONREAD, &value);
}

// --- children --------------------------------------------------------------------------------------------------------

void wait_for_child(pid_t child) {
  int status = -1;
  require(child > 0 && waitpid(child, &status, 0) == child && status == 0, "a child");
}

// As launchers do it between vfork(2) and exec: the memory is still the parent's.
[[gnu::noinline]] void lock_in_vfork_child() {
  const pid_t child = vfork();
  if (child == 0) _exit(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : 1);
  wait_for_child(child);
}

constexpr unsigned own_flows = 5;

void send_flows(unsigned first) {
  for (unsigned flow = first; flow < first + own_flows; ++flow) {
    const int fd = open_connected();
    for (unsigned index = 0; index < 3; ++index) send_mark(fd, flow, index);
  }
}

void vfork_child() {
  lock_in_vfork_child();
  send_flows(0);
  print("sent", own_flows * 3);
}

// A vfork child of a process that is a copy itself, as a daemon that went into the background.
void vfork_child_of_a_copy() {
  const pid_t child = fork();
  if (child == 0) {
    lock_in_vfork_child();
    send_flows(0);
    _exit(0);
  }
  wait_for_child(child);
  print("sent", own_flows * 3);
}

// The child, a copy of its parent, locks itself in: the parent's own flows are no concern of it.
void locked_in_copy(pid_t child) {
  if (child == 0) {
    forbid_questions(SECCOMP_RET_KILL_PROCESS);
    const int fd = open_connected();
    for (unsigned index = 0; index < 3; ++index) send_mark(fd, own_flows, index);
    _exit(0);
  }
  wait_for_child(child);
  send_flows(0);
  print("sent", own_flows * 3 + 3);
}

void forked_copy() {
  locked_in_copy(fork());
}

// Of clone(2), which libc does not see.
void cloned_copy() {
  locked_in_copy(static_cast<pid_t>(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)));
}

constexpr Case cases[] = {
    {"eperm", eperm},       {"enosys", enosys},
    {"no-udp", no_udp},     {"control", no_udp_control},
    {"vfork", vfork_child}, {"vfork-of-copy", vfork_child_of_a_copy},
    {"fork", forked_copy},  {"clone", cloned_copy},
};

}  // namespace

int main(int argc, char** argv) {
  return run_case(argc, argv, cases);
}

// SPDX-License-Identifier: GPL-2.0-or-later
// getaddrinfo(3) in the places where libraries break: threads, forks, signals, cancelled threads, very many calls. It
// is an ordinary program that knows nothing of ctgate. Usage: resolve_contexts CASE [COUNT]
//
// Prints lines "key=number" and exits with 0, or with 10 after a message if something went wrong. Every name below
// "pair.test" must have 192.0.2.1 and 2001:db8::1; what the case "mixed" needs is said there.
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

void require(bool done, const char* what) {
  if (done) return;
  std::perror(what);
  std::_Exit(10);
}

void print(const char* key, long value) {
  std::printf("%s=%ld\n", key, value);
}

struct Outcome {
  int code = 0;
  int v4 = 0;  // addresses
  int v6 = 0;
  bool operator==(const Outcome&) const = default;
};

Outcome resolve(const std::string& name) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  Outcome outcome{getaddrinfo(name.c_str(), "80", &hints, &list)};
  if (outcome.code != 0) return outcome;
  for (const addrinfo* one = list; one != nullptr; one = one->ai_next) {
    outcome.v4 += one->ai_family == AF_INET ? 1 : 0;
    outcome.v6 += one->ai_family == AF_INET6 ? 1 : 0;
  }
  freeaddrinfo(list);
  return outcome;
}

// 0: both addresses came.
int look_up(const std::string& name) {
  const Outcome outcome = resolve(name);
  if (outcome.code != 0) return outcome.code;
  return outcome == Outcome{0, 1, 1} ? 0 : 1;
}

int look_up(const char* kind, long number) {
  return look_up(std::string(kind) + std::to_string(number) + ".pair.test");
}

long open_descriptors() {
  long count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

// The number behind "key:" in /proc/self/status.
long status(const std::string& key) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(key + ":")) return std::stol(line.substr(key.size() + 1));
  }
  return -1;
}

bool maps(const char* library) {
  std::ifstream file("/proc/self/maps");
  for (std::string line; std::getline(file, line);) {
    if (line.find(library) != std::string::npos) return true;
  }
  return false;
}

enum class Child { resolves, ends };

// 0 if the child ends well, within 20 s.
int fork_child(Child kind, long number) {
  const pid_t child = fork();
  require(child >= 0, "fork");
  if (child == 0) {
    alarm(20);
    std::_Exit(kind == Child::ends || look_up("child", number) == 0 ? 0 : 1);
  }
  int state = 0;
  require(waitpid(child, &state, 0) == child, "waitpid");
  return state;
}

// 100 threads resolve while others fork. The children do not resolve: POSIX does not allow it to children of threaded
// programs, and libc hangs in some of them, for the lock around its resolv.conf (resolv/resolv_conf.c), which another
// thread may have held.
void threads(long count) {
  std::atomic<long> failed{0}, failed_children{0}, done{0};
  std::vector<std::thread> all;
  for (long i = 0; i < 100; ++i) {
    all.emplace_back([&, i] {
      for (long j = 0; j < count; ++j) {
        failed += look_up("thread", i * count + j) == 0 ? 0 : 1;
        ++done;
      }
    });
  }
  for (long i = 0; i < 4; ++i) {
    all.emplace_back([&, i] {
      for (long j = 0; j < 10; ++j) failed_children += fork_child(Child::ends, i * 10 + j) == 0 ? 0 : 1;
    });
  }
  for (auto& one : all) one.join();
  print("lookups", done);
  print("failed", failed);
  print("failed_children", failed_children);
}

// Memory and descriptors before and after very many lookups, behind some that warm everything up.
void many(long count) {
  long failed = 0;
  for (long i = 0; i < count / 10; ++i) failed += look_up("warm", i) == 0 ? 0 : 1;
  const long memory = status("VmRSS"), descriptors = open_descriptors();
  for (long i = 0; i < count; ++i) failed += look_up("name", i) == 0 ? 0 : 1;
  print("failed", failed);
  print("more_kilobytes", status("VmRSS") - memory);
  print("more_descriptors", open_descriptors() - descriptors);
  print("threads", status("Threads"));
}

// Lookups that end in every way: both addresses, one, by an alias, over TCP because the answer was cut, no
// such name, no such data, a server that fails.
void mixed(long count) {
  const struct {
    const char* behind;
    Outcome outcome;
  } kinds[] = {{".pair.test", {0, 1, 1}},       {".v4.test", {0, 1, 0}},
               {".alias.test", {0, 1, 1}},      {".stream.test", {0, 1, 1}},
               {".absent.test.", {EAI_NONAME}}, {".absent.test", {EAI_NONAME}},  // with the search list
               {".nodata.test.", {EAI_NODATA}}, {".failing.test.", {EAI_AGAIN}}};
  long failed = 0;
  for (long i = 0; i < count; ++i) {
    const auto& kind = kinds[static_cast<std::size_t>(i) % std::size(kinds)];
    std::string name = "n";
    name.append(std::to_string(i)).append(kind.behind);
    failed += resolve(name) == kind.outcome ? 0 : 1;
  }
  print("lookups", count);
  print("failed", failed);
}

void never(long) {
  print("c_ares", maps("libcares"));
  print("resolver", maps("libctgate-resolver"));
}

// What has no pair to ask for needs no resolver library either.
void no_pair(long) {
  addrinfo hints{};
  addrinfo* list = nullptr;
  require(getaddrinfo(nullptr, "80", &hints, &list) == 0, "no node");
  freeaddrinfo(list);
  hints.ai_family = AF_INET;
  require(getaddrinfo("v4.pair.test", "80", &hints, &list) == 0, "one family");
  freeaddrinfo(list);
  never(0);
}

void once(long) {
  print("failed", look_up("once", 0));
  never(0);
}

// All of the file system again, below another root directory, and the first lookup there.
void other_root(long) {
  namespace fs = std::filesystem;
  const fs::path root = "/mnt";
  require(unshare(CLONE_NEWNS) == 0, "unshare");
  require(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, "private mounts");
  require(mount("root", root.c_str(), "tmpfs", 0, nullptr) == 0, "a directory in memory");
  for (const auto& entry : fs::directory_iterator("/")) {
    const fs::path copy = root / entry.path().filename();
    if (entry.is_symlink()) {
      fs::copy_symlink(entry.path(), copy);
    } else if (entry.is_directory() && entry.path() != root) {
      fs::create_directory(copy);
      require(mount(entry.path().c_str(), copy.c_str(), nullptr, MS_BIND | MS_REC, nullptr) == 0, entry.path().c_str());
    }
  }
  require(chroot(root.c_str()) == 0 && chdir("/") == 0, "chroot");
  once(0);
}

void* resolve_silence(void*) {
  look_up("silent.test");
  return nullptr;
}

// A thread that is cancelled while it waits for an answer, some times over.
void cancelled(long count) {
  print("first", look_up("first", 0));
  const long descriptors = open_descriptors();
  long longest = 0, other_ends = 0;
  for (long i = 0; i < count; ++i) {
    pthread_t thread{};
    require(pthread_create(&thread, nullptr, resolve_silence, nullptr) == 0, "pthread_create");
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    const auto begin = std::chrono::steady_clock::now();
    void* end = nullptr;
    pthread_cancel(thread);
    pthread_join(thread, &end);
    const auto time = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
    longest = std::max(longest, static_cast<long>(time.count()));
    other_ends += end == PTHREAD_CANCELED ? 0 : 1;
  }
  print("longest_ms", longest);
  print("other_ends", other_ends);
  print("more_descriptors", open_descriptors() - descriptors);
  print("later", look_up("later", 0));
}

// A fork while another thread waits for an answer; the child resolves, and the parent goes on.
void forked(long count) {
  long failed = 0, failed_children = 0;
  for (long i = 0; i < count; ++i) {
    std::thread resolving([&] { failed += look_up("late", i) == 0 ? 0 : 1; });
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    failed_children += fork_child(Child::resolves, i) == 0 ? 0 : 1;
    resolving.join();
  }
  print("failed", failed);
  print("failed_children", failed_children);
}

std::atomic<long> signals{0};

// A timer's signal every millisecond, which makes system calls return EINTR.
void interrupted(long count) {
  struct sigaction action {};
  action.sa_handler = [](int) { ++signals; };
  require(sigaction(SIGALRM, &action, nullptr) == 0, "sigaction");
  const itimerval every{{0, 1000}, {0, 1000}};
  require(setitimer(ITIMER_REAL, &every, nullptr) == 0, "setitimer");
  long failed = 0;
  for (long i = 0; i < count; ++i) failed += look_up("slow", i) == 0 ? 0 : 1;
  const itimerval none{};
  setitimer(ITIMER_REAL, &none, nullptr);
  print("signals", signals);
  print("failed", failed);
}

void* look_up_once(void* failed) {
  *static_cast<int*>(failed) = look_up("stack", 0);
  return nullptr;
}

// Threads with little stack, as some programs make them.
void small_stack(long kilobytes) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  require(pthread_attr_setstacksize(&attributes, static_cast<std::size_t>(kilobytes) * 1024) == 0, "stack size");
  pthread_t thread{};
  int failed = -1;
  require(pthread_create(&thread, &attributes, look_up_once, &failed) == 0, "pthread_create");
  pthread_join(thread, nullptr);
  print("failed", failed);
}

// Descriptors 0, 1 and 2 closed: nothing may take them for its own and leave something in them.
void without_standard_descriptors(long) {
  const int output = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 100);
  for (const int fd : {0, 1, 2}) close(fd);
  const int failed = look_up("closed", 0);
  const bool clean = fcntl(0, F_GETFD) < 0 && fcntl(1, F_GETFD) < 0 && fcntl(2, F_GETFD) < 0;
  dup2(output, STDOUT_FILENO);
  print("failed", failed);
  print("left_open", clean ? 0 : 1);
}

struct Case {
  std::string_view name;
  void (*run)(long);
};
constexpr Case all_cases[] = {{"threads", threads},
                              {"many", many},
                              {"mixed", mixed},
                              {"never", never},
                              {"no_pair", no_pair},
                              {"once", once},
                              {"other_root", other_root},
                              {"cancelled", cancelled},
                              {"forked", forked},
                              {"interrupted", interrupted},
                              {"small_stack", small_stack},
                              {"closed", without_standard_descriptors}};

}  // namespace

int main(int argc, char** argv) {
  for (const auto& one : all_cases) {
    if (argc < 2 || one.name != argv[1]) continue;
    one.run(argc > 2 ? std::atol(argv[2]) : 1);
    return 0;
  }
  std::fprintf(stderr, "usage: resolve_contexts CASE [COUNT]\n");
  return 2;
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "shim/resolver_loader.hh"

#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "shim/dynamic_linker.hh"
#include "shim/log.hh"
#include "shim/resolver/resolver.hh"
#include "shim/syscall.hh"

namespace ctgate::shim {
namespace {

using resolver::Outcome;
using resolver::Preference;
using resolver::Request;

std::atomic<CtgateResolve*> entry{nullptr};
std::atomic<bool> failed{false};
std::atomic<bool> is_left_to_libc{false};

// What identifies "/"; inode 0: unknown.
struct Directory {
  std::uint64_t device = 0, inode = 0;
};
constinit Directory root;

// As ld.so asks; libc exports stat(2) since 2.33 only.
Directory read_root() {
#ifdef __NR_fstatat64
  struct stat64 facts {};
  const long result = raw_syscall(__NR_fstatat64, AT_FDCWD, word("/"), word(&facts), 0);
#else
  struct stat facts {};
  const long result = raw_syscall(__NR_newfstatat, AT_FDCWD, word("/"), word(&facts), 0);
#endif
  return result != 0 ? Directory{} : Directory{facts.st_dev, facts.st_ino};
}

bool has_same_root() {
  const Directory now = read_root();
  return now.inode != 0 && now.inode == root.inode && now.device == root.device;
}

// Programs that export a c-ares of their own (node does) would lend it to ours, of whatever version it is.
bool has_own_c_ares() {
  const char* owner = owner_of("ares_library_init");
  return owner != nullptr && std::strstr(owner, "/libcares.so") == nullptr;
}

// Beside this library. Two threads that come first at the same time both load it, which ld.so counts.
CtgateResolve* load(const Settings& settings) {
  CtgateResolve* found = entry.load(std::memory_order_acquire);
  if (found != nullptr || failed.load(std::memory_order_relaxed)) return found;
  char path[4096];
  if (!has_same_root()) {
    if (settings.log) log_resolver("the program", "changed its root directory; libc resolves names");
  } else if (has_own_c_ares()) {
    if (settings.log) log_resolver("the program", "has its own c-ares; libc resolves names");
  } else if (path_beside(reinterpret_cast<const void*>(&resolve), resolver::library_name, path, sizeof path)) {
    found = reinterpret_cast<CtgateResolve*>(load_symbol(path, resolver::entry_name));
    if (found == nullptr && settings.log) log_resolver(path, "cannot be loaded; libc resolves names");
  }
  if (found == nullptr) failed.store(true, std::memory_order_relaxed);
  entry.store(found, std::memory_order_release);
  return found;
}

// Both families of a name: what libc asks as a pair. Everything else has no race.
bool may_race(const char* node, const addrinfo* hints) {
  return node != nullptr && node[0] != '\0' && (hints == nullptr || hints->ai_family == AF_UNSPEC);
}

}  // namespace

void remember_root() {
  root = read_root();
}

void leave_to_libc() {
  is_left_to_libc.store(true, std::memory_order_relaxed);
}

bool resolve(const Settings& settings, const char* node, const char* service, const addrinfo* hints, addrinfo** result,
             int& error) {
  const bool wanted = settings.resolver == image::Resolver::automatic || settings.resolver == image::Resolver::c_ares;
  if (!wanted || !may_race(node, hints) || is_left_to_libc.load(std::memory_order_relaxed)) return false;
  const int errno_before = errno;
  CtgateResolve* function = load(settings);
  Outcome outcome{};
  if (function != nullptr) {
    const Preference preference =
        settings.resolver == image::Resolver::automatic ? Preference::automatic : Preference::c_ares;
    const Request request{resolver::interface_version, preference, node, service, hints};
    function(&request, &outcome);
    if (settings.log && outcome.answered) log_answer(node, outcome.datagrams, outcome.streams);
    if (settings.log && !outcome.answered) log_resolver(node, "left to libc: ", outcome.reason);
  }
  if (!outcome.answered || outcome.error != EAI_SYSTEM) errno = errno_before;
  if (!outcome.answered) return false;
  error = outcome.error;
  if (error == 0) *result = outcome.result;
  return true;
}

}  // namespace ctgate::shim

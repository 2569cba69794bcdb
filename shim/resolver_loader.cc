// SPDX-License-Identifier: GPL-2.0-or-later
#include "shim/resolver_loader.hh"

#include <atomic>
#include <cerrno>
#include <cstring>

#include "shim/dynamic_linker.hh"
#include "shim/log.hh"
#include "shim/resolver/resolver.hh"

namespace ctgate::shim {
namespace {

using resolver::Outcome;
using resolver::Request;
using resolver::Wish;

std::atomic<CtgateResolve*> entry{nullptr};
std::atomic<bool> failed{false};

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
  if (has_own_c_ares()) {
    if (settings.log) log_resolver("the program", "has a c-ares of its own; libc resolves names");
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

bool resolve(const Settings& settings, const char* node, const char* service, const addrinfo* hints, addrinfo** result,
             int& error) {
  const bool wanted = settings.resolver == image::Resolver::automatic || settings.resolver == image::Resolver::c_ares;
  if (!wanted || !may_race(node, hints)) return false;
  const int errno_before = errno;
  CtgateResolve* function = load(settings);
  Outcome outcome{};
  if (function != nullptr) {
    const Wish wish = settings.resolver == image::Resolver::automatic ? Wish::automatic : Wish::c_ares;
    const Request request{resolver::interface_version, wish, node, service, hints};
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

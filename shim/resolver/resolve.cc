// SPDX-License-Identifier: GPL-2.0-or-later
// One call of getaddrinfo(3), from beginning to end. Cancellation is disabled except in poll(2). Everything a call
// holds is in `Call`, so a cancelled thread leaks nothing.
#include <pthread.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <new>

#include "shim/resolver/machine.hh"
#include "shim/resolver/qualify.hh"
#include "shim/resolver/resolver.hh"
#include "shim/resolver/results.hh"
#include "shim/resolver/sources.hh"
#include "shim/resolver/transport.hh"

namespace ctgate::resolver {
namespace {

struct Call {
  Configuration configuration;
  Cancellation cancellation;
  Interfaces interfaces;
  bool interfaces_known = false;
  addrinfo* services = nullptr;
  HostAddressList addresses;
  List<Route> routes;
  List<std::uint32_t> native;
  char canonical[longest_name_text] = {};
  Channel channel{cancellation};
  Transport<Channel> transport{configuration, channel};
};

void release(void* what) {
  auto* call = static_cast<Call*>(what);
  call->channel.close();
  call->transport.drop_answers();
  if (call->services != nullptr) freeaddrinfo(call->services);
  call->interfaces.clear();
  call->addresses.clear();
  call->routes.clear();
  call->native.clear();
  std::free(call);
}

Call* make_call(int cancel_state) {
  void* memory = std::malloc(sizeof(Call));
  if (memory == nullptr) return nullptr;
  auto* call = new (memory) Call;
  call->cancellation = {cancel_state, release, call};
  return call;
}

// The second case is what glibc assumes without hints (AI_DEFAULT).
int flags_of(const addrinfo* hints) {
  return hints == nullptr ? AI_V4MAPPED | AI_ADDRCONFIG : hints->ai_flags;
}

const char* judge_families(Call& call, int flags) {
  if ((flags & AI_ADDRCONFIG) == 0) return nullptr;
  read_interfaces(call.interfaces);
  call.interfaces_known = true;
  const bool both = call.interfaces.has_v4 == call.interfaces.has_v6;
  return both ? nullptr : "only one address family is configured here: one datagram";
}

// The kinds of sockets and the port come from libc itself, by resolving a numeric address, for which it asks nobody.
// With AF_INET, the hook of getaddrinfo(3) does not call this library again.
const char* find_services(Call& call, const Request& request) {
  addrinfo wanted{};
  wanted.ai_family = AF_INET;
  wanted.ai_flags = AI_NUMERICHOST;
  if (request.hints != nullptr) {
    wanted.ai_socktype = request.hints->ai_socktype;
    wanted.ai_protocol = request.hints->ai_protocol;
    wanted.ai_flags |= request.hints->ai_flags & AI_NUMERICSERV;
  }
  const bool found = getaddrinfo("127.0.0.1", request.service, &wanted, &call.services) == 0;
  if (!found) call.services = nullptr;
  return found ? nullptr : "the service or the kind of socket is unknown: libc says which error that is";
}

// Before anything is asked.
const char* judge(Call& call, const Request& request) {
  const bool careful = request.preference == Preference::automatic;
  if (must_ask_one_at_a_time()) return "a server answered only one of two questions: they go one at a time now";
  const char* reason = judge_machine(request.preference, request.node);
  if (reason == nullptr) reason = read_configuration(careful, call.configuration);
  if (reason == nullptr) reason = judge_families(call, flags_of(request.hints));
  if (reason == nullptr) reason = find_services(call, request);
  if (reason == nullptr && !Channel::start_library()) reason = "c-ares could not start";
  return reason;
}

int sort(Call& call) {
  if (call.addresses.count == 1) {
    Route only;
    only.destination = call.addresses.data[0];
    return call.routes.push(only) ? 0 : EAI_MEMORY;
  }
  if (!call.interfaces_known) read_interfaces(call.interfaces);
  return find_routes(call.addresses, call.interfaces, call.routes, call.native) ? 0 : EAI_MEMORY;
}

// Only libc can give this answer; not known before asking.
constexpr int left_to_libc = INT_MIN;

int look_up(Call& call, const Request& request, addrinfo** result) {
  const HostError error =
      search(request.node, call.configuration.search, [&](const char* name) { return call.transport.ask(name); });
  if (call.transport.out_of_memory()) return EAI_MEMORY;
  if (error != HostError::none) {
    const int no_socket = call.channel.socket_error();
    if (no_socket != EMFILE && no_socket != ENFILE) return to_address_error(error);
    errno = no_socket;
    return EAI_SYSTEM;
  }
  const Collected collected = collect(call.transport.answers(), call.addresses, call.canonical);
  if (collected == Collected::no_memory) return EAI_MEMORY;
  if (collected == Collected::nothing) return EAI_NONAME;
  const int flags = flags_of(request.hints);
  const char* name = call.canonical[0] != '\0' ? call.canonical : request.node;
  if (needs_decoding(name, flags)) return left_to_libc;
  if (const int failed = sort(call)) return failed;
  *result = make_results(call.routes, call.services, flags, (flags & AI_CANONNAME) != 0 ? name : nullptr);
  return *result != nullptr ? 0 : EAI_MEMORY;
}

void resolve(Call& call, const Request& request, Outcome& outcome) {
  outcome.reason = judge(call, request);
  if (outcome.reason != nullptr) return;
  outcome.error = look_up(call, request, &outcome.result);
  outcome.answered = outcome.error != left_to_libc;
  outcome.reason = outcome.answered ? "answered by c-ares" : "the canonical name is an IDN, which libc decodes";
  if (!outcome.answered) outcome.error = 0;
  outcome.datagrams = call.channel.datagrams();
  outcome.streams = call.channel.connections();
}

}  // namespace
}  // namespace ctgate::resolver

extern "C" __attribute__((visibility("default"))) void ctgate_resolve(const ctgate::resolver::Request* request,
                                                                      ctgate::resolver::Outcome* outcome) {
  using namespace ctgate::resolver;
  *outcome = {};
  outcome->reason = "libctgate.so and libctgate-resolver.so are of different versions";
  if (request->version != interface_version) return;
  outcome->reason = judge_request(request->node, request->hints);
  if (outcome->reason != nullptr) return;

  const int saved = errno;
  int cancel_state = 0;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
  Call* call = make_call(cancel_state);
  if (call == nullptr) {
    outcome->reason = "no memory";
  } else {
    resolve(*call, *request, *outcome);
    const int error = outcome->error == EAI_SYSTEM ? errno : saved;
    release(call);
    errno = error;
  }
  pthread_setcancelstate(cancel_state, nullptr);
}

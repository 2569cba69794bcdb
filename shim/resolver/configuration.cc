// SPDX-License-Identifier: GPL-2.0-or-later
#include "shim/resolver/configuration.hh"

#include <arpa/nameser.h>
#include <resolv.h>

#include <cstring>

#include "shim/resolver/qualify.hh"

namespace ctgate::resolver {
namespace {

// Since 2.31 and 2.36; older headers lack them.
constexpr unsigned long option_trust_ad = 0x04000000;
constexpr unsigned long option_no_aaaa = 0x08000000;

constexpr unsigned long defaults = RES_RECURSE | RES_DEFNAMES | RES_DNSRCH;
// libctgate.so adds single-request to RES_OPTIONS, for lookups by libc; if the administrator wrote it into resolv.conf,
// judge_resolv_conf() sees it.
constexpr unsigned long harmless = RES_INIT | RES_ROTATE | RES_SNGLKUP | RES_SNGLKUPREOP;

const char* judge_options(unsigned long options, bool careful) {
  if ((options & RES_USEVC) != 0) return "resolv.conf: option use-vc: no datagrams";
  if ((options & option_no_aaaa) != 0) return "resolv.conf: option no-aaaa: one datagram";
  if ((options & defaults) != defaults) return "resolver options: searching or recursion is off";
  if (!careful) return nullptr;
  if ((options & RES_USE_EDNS0) != 0) return "resolv.conf: option edns0";
  if ((options & option_trust_ad) != 0) return "resolv.conf: option trust-ad";
  return (options & ~(defaults | harmless)) == 0 ? nullptr : "resolv.conf: an option that only libc knows";
}

// libc uses what a program wrote into its thread's `_res`; res_ninit(3) does not.
bool same_as_threads(const struct __res_state& fresh) {
  const struct __res_state& own = *__res_state();
  if ((own.options & RES_INIT) == 0) return own.options == 0 && own.retrans == 0 && own.retry == 0;
  const auto differing = (own.options ^ fresh.options) & ~static_cast<unsigned long>(RES_SNGLKUP | RES_SNGLKUPREOP);
  if (differing != 0 || own.nscount != fresh.nscount || own.retrans != fresh.retrans || own.retry != fresh.retry ||
      own.ndots != fresh.ndots) {
    return false;
  }
  for (int i = 0; i < fresh.nscount && i < MAXNS; ++i) {
    if (own.nsaddr_list[i].sin_family != fresh.nsaddr_list[i].sin_family) return false;
    if (fresh.nsaddr_list[i].sin_family == AF_INET) {
      if (own.nsaddr_list[i].sin_addr.s_addr != fresh.nsaddr_list[i].sin_addr.s_addr ||
          own.nsaddr_list[i].sin_port != fresh.nsaddr_list[i].sin_port) {
        return false;
      }
      continue;
    }
    const sockaddr_in6* one = own._u._ext.nsaddrs[i];
    const sockaddr_in6* other = fresh._u._ext.nsaddrs[i];
    if (one == nullptr || other == nullptr || std::memcmp(one, other, sizeof *one) != 0) return false;
  }
  for (int i = 0; i < MAXDNSRCH; ++i) {
    const bool ends = own.dnsrch[i] == nullptr;
    if (ends != (fresh.dnsrch[i] == nullptr)) return false;
    if (ends) break;
    if (std::strcmp(own.dnsrch[i], fresh.dnsrch[i]) != 0) return false;
  }
  return true;
}

const char* copy_servers(const struct __res_state& state, Configuration& out) {
  if (state.nscount <= 0 || state.nscount > static_cast<int>(Configuration::most_servers)) {
    return "resolv.conf: no name server";
  }
  out.server_count = static_cast<unsigned>(state.nscount);
  for (unsigned i = 0; i < out.server_count; ++i) {
    NameServer& server = out.servers[i];
    const sockaddr_in& v4 = state.nsaddr_list[i];
    if (v4.sin_family == AF_INET) {
      server.address.family = AF_INET;
      std::memcpy(server.address.bytes, &v4.sin_addr, 4);
      server.port = ntohs(v4.sin_port);
      continue;
    }
    const sockaddr_in6* v6 = state._u._ext.nsaddrs[i];
    if (v6 == nullptr) return "resolv.conf: no name server";
    if (v6->sin6_scope_id != 0) return "resolv.conf: a name server has a scope";
    server.address.family = AF_INET6;
    std::memcpy(server.address.bytes, &v6->sin6_addr, 16);
    server.port = ntohs(v6->sin6_port);
  }
  return nullptr;
}

// libc's internal list has no limit, but the copy in __res_state is cut off at six domains and at 256 bytes. If that
// may have happened, the call is left to libc.
const char* copy_search(const struct __res_state& state, Configuration& out) {
  constexpr std::size_t surely_whole = 128;
  std::size_t used = 0;
  out.search.ndots = state.ndots;
  for (std::size_t i = 0; i < MAXDNSRCH && state.dnsrch[i] != nullptr; ++i) {
    const char* domain = state.dnsrch[i];
    const std::size_t size = std::strlen(domain) + 1;
    if (i == SearchList::most || used + size > surely_whole) return "resolv.conf: a long search list";
    if (std::strcmp(domain, ".") != 0 && !is_label_list(domain)) return "resolv.conf: an unusual search domain";
    std::memcpy(out.names + used, domain, size);
    out.search.domains[i] = out.names + used;
    out.search.count = i + 1;
    used += size;
  }
  return nullptr;
}

const char* copy(const struct __res_state& state, bool careful, Configuration& out) {
  const char* reason = judge_options(state.options, careful);
  if (reason == nullptr && !same_as_threads(state)) reason = "the resolver's state of this thread is not resolv.conf's";
  if (reason == nullptr) reason = copy_servers(state, out);
  if (reason == nullptr) reason = copy_search(state, out);
  out.timeout = state.retrans > 0 ? static_cast<unsigned>(state.retrans) : 0;
  out.attempts = state.retry > 0 ? static_cast<unsigned>(state.retry) : 0;
  out.rotate = (state.options & RES_ROTATE) != 0;
  return reason;
}

}  // namespace

const char* read_configuration(bool careful, Configuration& configuration) {
  struct __res_state state {};
  if (res_ninit(&state) != 0) return "resolv.conf: libc could not read it";
  const char* reason = copy(state, careful, configuration);
  res_nclose(&state);
  return reason;
}

}  // namespace ctgate::resolver

// SPDX-License-Identifier: GPL-2.0-or-later
// Families, socket types, protocols, services and flags, each with names of several kinds.
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "tests/resolver/cases.hh"

namespace ctgate::test::cases {
namespace {

constexpr const char* names[] = {"both.ctgate.test", "v4.ctgate.test", "alias.ctgate.test", "localhost",
                                 "192.0.2.1",        "2001:db8::1",    "nowhere.test"};

using Text = std::optional<std::string>;
using Numbers = std::initializer_list<int>;

Profile types_and_protocols() {
  Profile profile{.name = "types", .files = files()};
  for (const auto& node : {Text("both.ctgate.test"), Text("192.0.2.1"), Text()}) {
    for (const auto& service : {Text(), Text("80")}) {
      for (const int socktype : Numbers{0, SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET, SOCK_DCCP, 77}) {
        for (const int protocol : Numbers{0, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_SCTP, 254}) {
          profile.calls.push_back({node, service, Hints{AF_UNSPEC, socktype, protocol, 0}});
        }
      }
    }
  }
  return profile;
}

Profile services() {
  Profile profile{.name = "services", .files = files()};
  for (const char* service : {"http", "domain", "tftp", "ntp",  "HTTP",  "www",   "no-such-service", "",
                              "0",    "80",     "080",  "0x50", "65535", "65536", "99999999999",     "-1",
                              "+80",  " 80",    "80 ",  "80x",  "ssh",   "*",     "discard"}) {
    for (const char* node : {"both.ctgate.test", "192.0.2.1"}) {
      for (const int socktype : Numbers{0, SOCK_STREAM, SOCK_DGRAM, SOCK_RAW}) {
        profile.calls.push_back({node, service, Hints{AF_UNSPEC, socktype, 0, 0}});
      }
      profile.calls.push_back({node, service, Hints{AF_UNSPEC, SOCK_STREAM, 0, AI_NUMERICSERV}});
      profile.calls.push_back({node, service, Hints{AF_UNSPEC, 0, IPPROTO_UDP, 0}});
      profile.calls.push_back({node, service, std::nullopt});
    }
  }
  return profile;
}

constexpr int flag_sets[] = {AI_PASSIVE,
                             AI_CANONNAME,
                             AI_NUMERICHOST,
                             AI_V4MAPPED,
                             AI_ALL,
                             AI_ADDRCONFIG,
                             AI_NUMERICSERV,
                             AI_V4MAPPED | AI_ALL,
                             AI_V4MAPPED | AI_ADDRCONFIG,
                             AI_V4MAPPED | AI_ALL | AI_ADDRCONFIG,
                             AI_CANONNAME | AI_ADDRCONFIG,
                             AI_CANONNAME | AI_NUMERICHOST,
                             AI_CANONNAME | AI_V4MAPPED,
                             AI_PASSIVE | AI_ADDRCONFIG,
                             AI_PASSIVE | AI_NUMERICSERV,
                             AI_IDN,
                             AI_CANONIDN,
                             AI_CANONIDN | AI_CANONNAME,
                             0x0100,
                             0x0200,
                             0x0800,
                             0x10000};

Profile flags(const char* name, Network network, std::map<std::string, std::string> configuration) {
  Profile profile{.name = name, .files = std::move(configuration), .network = network};
  for (const char* node : names) {
    for (const int set : flag_sets) profile.calls.push_back({node, "80", Hints{AF_UNSPEC, SOCK_STREAM, 0, set}});
  }
  for (const int family : Numbers{AF_INET, AF_INET6, AF_UNIX, 99, -1}) {
    for (const char* node : names) {
      for (const int set : {0, AI_V4MAPPED, AI_V4MAPPED | AI_ALL, AI_ADDRCONFIG, AI_CANONNAME}) {
        profile.calls.push_back({node, std::nullopt, Hints{family, SOCK_STREAM, 0, set}});
      }
    }
  }
  return profile;
}

Profile without_node() {
  Profile profile{.name = "without_node", .files = files()};
  for (const auto& service : {Text(), Text("80"), Text("domain"), Text("nonsense")}) {
    profile.calls.push_back({std::nullopt, service, std::nullopt});
    for (const int family : Numbers{AF_UNSPEC, AF_INET, AF_INET6}) {
      for (const int set : {0, AI_PASSIVE, AI_CANONNAME, AI_ADDRCONFIG, AI_NUMERICHOST}) {
        profile.calls.push_back({std::nullopt, service, Hints{family, SOCK_STREAM, 0, set}});
      }
    }
  }
  return profile;
}

}  // namespace

void add_hints(std::vector<Profile>& all) {
  all.push_back(types_and_protocols());
  all.push_back(services());
  all.push_back(without_node());
  all.push_back(flags("flags", Network::both, files()));
  all.push_back(flags("flags_ipv4_only", Network::ipv4, files()));
  auto by_ipv6 = files();
  by_ipv6["resolv.conf"] = "nameserver fd00:99:2::2\nsearch ctgate.test\n";
  all.push_back(flags("flags_ipv6_only", Network::ipv6, by_ipv6));
  auto by_loopback = files();
  by_loopback["resolv.conf"] = "nameserver 127.0.0.1\nsearch ctgate.test\n";
  all.push_back(flags("flags_loopback_only", Network::none, by_loopback));
}

}  // namespace ctgate::test::cases

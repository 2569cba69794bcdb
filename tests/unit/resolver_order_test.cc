// SPDX-License-Identifier: GPL-2.0-or-later
#include "shim/resolver/order.hh"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netdb.h>

#include <string>
#include <vector>

#include "shim/resolver/results.hh"

namespace ctgate::resolver {
namespace {

HostAddress address(const std::string& text) {
  HostAddress result;
  result.family = text.find(':') == std::string::npos ? AF_INET : AF_INET6;
  EXPECT_EQ(inet_pton(result.family, text.c_str(), result.bytes), 1) << text;
  return result;
}

Route route(const std::string& destination, const std::string& source = "") {
  Route result;
  result.destination = address(destination);
  result.reachable = !source.empty();
  if (result.reachable) result.source = address(source);
  return result;
}

// `one` goes first, whichever came first.
void expect_first(const Route& one, const Route& other) {
  EXPECT_LT(compare(one, other), 0);
  EXPECT_GT(compare(other, one), 0);
}

TEST(ResolverOrder, Rule1Unreachable) {
  expect_first(route("10.0.0.1", "10.0.0.2"), route("2001:db8::1"));
}

TEST(ResolverOrder, Rule2Scope) {
  expect_first(route("2001:db8::1", "2001:db8::2"), route("fe80::1", "2001:db8::2"));
  expect_first(route("169.254.1.1", "169.254.1.2"), route("10.0.0.1", "169.254.1.2"));
}

TEST(ResolverOrder, Rule3And4SourcesFlags) {
  Route deprecated = route("2001:db8::1", "2001:db8::2");
  deprecated.deprecated = true;
  expect_first(route("2001:db8::3", "2001:db8::2"), deprecated);
  Route home = route("2001:db8::1", "2001:db8::2");
  home.home_address = true;
  expect_first(route("2001:db8::3", "2001:db8::2"), home);
}

TEST(ResolverOrder, Rule5LabelsAndRule6Precedences) {
  expect_first(route("2001:db8::1", "2001:db8::2"), route("2002:a00::1", "2001:db8::2"));
  expect_first(route("10.0.0.1", "10.0.0.2"), route("2001:db8::1", "2002:a00::2"));
  expect_first(route("2001:db8::1", "2001:db8::2"), route("10.0.0.1", "10.0.0.2"));
  expect_first(route("2001:db8::1"), route("10.0.0.1"));
  expect_first(route("fd00::1", "fd00::2"), route("2001:db8::1", "fd00::2"));
  expect_first(route("2001:db8::1", "2001:db8::2"), route("2001::1", "2001:db8::2"));
}

TEST(ResolverOrder, Rule7Native) {
  Route native = route("2001:db8::1", "2001:db8::2");
  native.interface = 2;
  native.native = true;
  Route tunnel = native;
  tunnel.interface = 3;
  tunnel.native = false;
  expect_first(native, tunnel);
}

TEST(ResolverOrder, Rule9PrefixOfIPv6) {
  expect_first(route("2001:db8::4", "2001:db8::5"), route("2001:db8:8000::1", "2001:db8::5"));
}

TEST(ResolverOrder, Rule9PrefixOfIPv4OnlyWithinTheSubnet) {
  Route inside = route("10.0.0.4", "10.0.0.5");
  inside.prefix = 24;
  Route outside = route("10.0.1.5", "10.0.0.5");
  outside.prefix = 24;
  expect_first(inside, outside);
  Route further = route("10.1.0.5", "10.0.0.5");
  further.prefix = 24;
  EXPECT_EQ(compare(outside, further), 0) << "both outside";
  inside.prefix = 0;
  EXPECT_EQ(compare(inside, outside), 0) << "a source on no interface";
}

struct Made {
  addrinfo* list = nullptr;
  Made(const std::vector<Route>& routes, const addrinfo* services, int flags, const char* canonical) {
    List<Route> copy;
    for (const Route& one : routes) EXPECT_TRUE(copy.push(one));
    list = make_results(copy, services, flags, canonical);
    copy.clear();
  }
  ~Made() { freeaddrinfo(list); }
  Made(const Made&) = delete;
  Made& operator=(const Made&) = delete;
};

addrinfo* services_of(const char* service) {
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* services = nullptr;
  EXPECT_EQ(getaddrinfo("127.0.0.1", service, &hints, &services), 0);
  return services;
}

TEST(ResolverResults, AnEntryForEachAddressAndKindOfSocket) {
  addrinfo* services = services_of("53");
  const Made made({route("10.0.0.1", "10.0.0.2"), route("2001:db8::1", "2001:db8::2")}, services, AI_CANONNAME, "name");
  freeaddrinfo(services);
  std::vector<int> families;
  std::vector<int> kinds;
  for (const addrinfo* entry = made.list; entry != nullptr; entry = entry->ai_next) {
    families.push_back(entry->ai_family);
    kinds.push_back(entry->ai_socktype);
    EXPECT_EQ(entry->ai_flags, AI_CANONNAME);
    EXPECT_EQ(entry->ai_addr->sa_family, entry->ai_family);
    EXPECT_EQ(reinterpret_cast<const sockaddr_in*>(entry->ai_addr)->sin_port, htons(53));
    EXPECT_EQ(entry->ai_canonname != nullptr, entry == made.list);
  }
  EXPECT_EQ(families, (std::vector<int>{AF_INET6, AF_INET6, AF_INET6, AF_INET, AF_INET, AF_INET}));
  EXPECT_EQ(kinds, (std::vector<int>{SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_STREAM, SOCK_DGRAM, SOCK_RAW}));
  EXPECT_STREQ(made.list->ai_canonname, "name");
}

TEST(ResolverResults, EqualAddressesStayAsTheyCame) {
  addrinfo* services = services_of(nullptr);
  const Made made({route("10.1.0.9", "10.0.0.2"), route("10.1.0.3", "10.0.0.2"), route("10.1.0.9", "10.0.0.2")},
                  services, 0, nullptr);
  freeaddrinfo(services);
  std::vector<int> last_bytes;
  for (const addrinfo* entry = made.list; entry != nullptr; entry = entry->ai_next) {
    if (entry->ai_socktype != SOCK_STREAM) continue;
    const auto* name = reinterpret_cast<const sockaddr_in*>(entry->ai_addr);
    last_bytes.push_back(static_cast<int>(ntohl(name->sin_addr.s_addr) & 0xff));
  }
  EXPECT_EQ(last_bytes, (std::vector<int>{9, 3, 9}));
  EXPECT_EQ(made.list->ai_canonname, nullptr);
}

}  // namespace
}  // namespace ctgate::resolver

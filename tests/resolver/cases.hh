// SPDX-License-Identifier: GPL-2.0-or-later
// The cases of the differential test: getaddrinfo calls, each under one configuration of the resolver. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/resolver/call.hh"
#include "tests/resolver/zone.hh"

namespace ctgate::test {

// What the machine that resolves has: addresses of both families, of one only besides loopback, or loopback only.
enum class Network { both, ipv4, ipv6, none };

struct Profile {
  std::string name;                          // letters, digits and underscores
  std::map<std::string, std::string> files;  // below /etc
  std::vector<std::string> environment{};    // "NAME=value"
  Network network = Network::both;
  bool unordered = false;  // the server rotates the addresses
  std::vector<Call> calls{};
};

inline constexpr char first_server[] = "10.99.2.2";
inline constexpr char second_server[] = "10.99.2.3";

// What the DNS server says to all of them.
[[nodiscard]] dns::Zone case_zone();

[[nodiscard]] const std::vector<Profile>& profiles();

namespace cases {

// Files that a profile begins with: one server, search list "ctgate.test", hosts: files dns.
[[nodiscard]] std::map<std::string, std::string> files(const std::string& resolv_conf_more = "");

[[nodiscard]] Call plain(const std::string& node);  // AF_UNSPEC, SOCK_STREAM, no service

// Appended to `all` by the files that hold them.
void add_names(std::vector<Profile>& all);           // cases_names.cc
void add_hints(std::vector<Profile>& all);           // cases_hints.cc
void add_configurations(std::vector<Profile>& all);  // cases_configurations.cc

}  // namespace cases
}  // namespace ctgate::test

// SPDX-License-Identifier: GPL-2.0-or-later
// Every kind of name, under the configuration that most machines have.
#include <netdb.h>
#include <sys/socket.h>

#include "tests/resolver/cases.hh"

namespace ctgate::test::cases {
namespace {

std::vector<std::string> zone_names() {
  std::vector<std::string> names;
  for (const char* label : {"v4",
                            "v6",
                            "both",
                            "nodata",
                            "nowhere",
                            "a.very.deep.name",
                            "under_score",
                            "-dash",
                            "dash-",
                            "123",
                            "xn--bcher-kva",
                            "star*",
                            "x@y",
                            "sp ace",
                            "slow",
                            "many",
                            "scopes",
                            "mapped",
                            "unspecified",
                            "twice",
                            "big4",
                            "big6",
                            "big",
                            "alias",
                            "alias2",
                            "alias3",
                            "alias4",
                            "alias-v4",
                            "alias-v6",
                            "alias-big",
                            "dangling",
                            "alias-nodata",
                            "loop",
                            "loop1",
                            "alias-odd",
                            "alias-space",
                            "servfail",
                            "servfail-a",
                            "servfail-aaaa",
                            "servfail-aaaa-v4",
                            "refused",
                            "refused-a",
                            "refused-aaaa",
                            "refused-aaaa-v4",
                            "formerr",
                            "formerr-a",
                            "formerr-aaaa",
                            "notimp",
                            "notimp-a",
                            "notimp-aaaa",
                            "nxdomain",
                            "nxdomain-a",
                            "nxdomain-aaaa",
                            "nxdomain-aaaa-v4",
                            "truncated",
                            "truncated-a",
                            "truncated-aaaa"}) {
    names.push_back(std::string(label) + ".ctgate.test");
  }
  return names;
}

// What is short, long, dotted, or an address in one way or another.
std::vector<std::string> odd_names() {
  const std::string label63(63, 'l');
  std::string long_name = label63 + "." + label63 + "." + label63 + ".";
  return {"both",
          "BOTH.CTGATE.TEST",
          "Both.ctgate.test.",
          "both.",
          "single",
          "single.",
          "nowhere",
          "nowhere.",
          "both.ctgate.test..",
          ".",
          "..",
          "",
          " ",
          "a..b",
          ".both",
          "both.ctgate..test",
          label63 + ".ctgate.test",
          "l" + label63 + ".ctgate.test",
          long_name + std::string(61, 'x'),
          long_name + std::string(62, 'x'),
          long_name + std::string(63, 'x'),
          long_name + std::string(120, 'x'),
          std::string(1024, 'n'),
          std::string(3000, 'n') + ".test",
          "localhost",
          "localhost.",
          "LocalHost",
          "sub.localhost",
          "localhost.localdomain",
          "ip6-localhost",
          "printer.local",
          "host.onion",
          "b\xc3\xbc"
          "cher.ctgate.test",
          "b\xfc"
          "cher.ctgate.test",
          "both\\.ctgate.test",
          "\\098oth.ctgate.test",
          "bo\tth.ctgate.test",
          "both\n",
          "\x01.test",
          "www.%eth0",
          "both.ctgate.test%eth0",
          "[::1]",
          "192.0.2.1:80",
          "http://both.ctgate.test"};
}

std::vector<std::string> numeric_names() {
  return {"192.0.2.1",
          "192.0.2.1.",
          "192.0.2.256",
          "192.0.2",
          "192.513",
          "3221225985",
          "4294967296",
          "1.2",
          "127.1",
          "0x7f.1",
          "0x7f000001",
          "0300.0.2.1",
          "08.1.1.1",
          "010.1.1.1",
          "1.2.3.4.5",
          "1.2.3.4 ",
          " 1.2.3.4",
          "0",
          "00",
          "-1",
          "+1",
          "1.2.3.4/24",
          "1e3",
          "255.255.255.255",
          "0.0.0.0",
          "224.0.0.1",
          "::",
          "::1",
          "::1.",
          "2001:db8::1",
          "2001:DB8::A",
          "2001:db8::1::",
          "2001:db8:0:0:0:0:0:1:2",
          "12345::",
          "::ffff:192.0.2.1",
          "::192.0.2.1",
          "::ffff:1.2",
          "fe80::1",
          "fe80::1%lo",
          "fe80::1%1",
          "fe80::1%server0",
          "fe80::1%nosuch",
          "fe80::1%",
          "fe80::1%0",
          "fe80::1%4294967296",
          "fe80::1%99",
          "::1%lo",
          "2001:db8::1%server0",
          "2001:db8::1%2",
          "ff02::1%server0",
          "ff05::2%lo",
          "fec0::1%lo",
          "192.0.2.1%lo",
          "::ffff:192.0.2.1%lo",
          "f::"};
}

std::vector<Call> with_usual_hints(const std::vector<std::string>& names) {
  std::vector<Call> calls;
  for (const auto& name : names) {
    calls.push_back({name, std::nullopt, std::nullopt});
    calls.push_back({name, "80", Hints{AF_UNSPEC, SOCK_STREAM, 0, AI_ADDRCONFIG}});
    calls.push_back({name, std::nullopt, Hints{AF_UNSPEC, 0, 0, AI_CANONNAME}});
    calls.push_back({name, "domain", Hints{AF_INET, SOCK_DGRAM, 0, 0}});
  }
  return calls;
}

}  // namespace

void add_names(std::vector<Profile>& all) {
  all.push_back({.name = "zone", .files = files(), .calls = with_usual_hints(zone_names())});
  all.push_back({.name = "odd", .files = files(), .calls = with_usual_hints(odd_names())});
  all.push_back({.name = "numeric", .files = files(), .calls = with_usual_hints(numeric_names())});
  Profile idn{.name = "idn", .files = files(), .environment = {"LC_ALL=C.UTF-8"}};
  for (const char* name : {"b\xc3\xbc"
                           "cher.ctgate.test",
                           "b\xc3\xbc"
                           "cher",
                           "xn--bcher-kva.ctgate.test",
                           "b\xfc"
                           "cher.ctgate.test",
                           "both.ctgate.test", "alias.ctgate.test",
                           "B\xc3\x9c"
                           "CHER.ctgate.test"}) {
    for (const int flags : {0, AI_IDN, AI_CANONNAME, AI_IDN | AI_CANONNAME, AI_CANONIDN | AI_CANONNAME,
                            AI_IDN | AI_CANONIDN | AI_CANONNAME}) {
      idn.calls.push_back({name, std::nullopt, Hints{AF_UNSPEC, SOCK_STREAM, 0, flags}});
    }
  }
  all.push_back(idn);
}

}  // namespace ctgate::test::cases

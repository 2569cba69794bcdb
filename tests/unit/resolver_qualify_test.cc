// SPDX-License-Identifier: GPL-2.0-or-later
#include "shim/resolver/qualify.hh"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace ctgate::resolver {
namespace {

Text text(std::string_view view) {
  return {view.data(), view.size()};
}

const char* judge_flags(int flags, int family = AF_UNSPEC) {
  addrinfo hints{};
  hints.ai_flags = flags;
  hints.ai_family = family;
  return judge_request("host.test", &hints);
}

TEST(ResolverQualify, PlainNamesOfBothFamilies) {
  EXPECT_EQ(judge_request("host.test", nullptr), nullptr);
  EXPECT_EQ(judge_flags(0), nullptr);
  EXPECT_EQ(judge_flags(AI_ADDRCONFIG | AI_CANONNAME | AI_NUMERICSERV | AI_V4MAPPED | AI_ALL), nullptr);
  EXPECT_EQ(judge_flags(AI_IDN | AI_CANONIDN), nullptr);
}

TEST(ResolverQualify, OtherFlagsAndFamiliesAreLibcs) {
  for (const int flag : {AI_PASSIVE, AI_NUMERICHOST, 0x100, 0x200, 0x800}) {
    EXPECT_NE(judge_flags(flag), nullptr) << flag;
  }
  EXPECT_NE(judge_flags(0, AF_INET), nullptr);
  EXPECT_NE(judge_flags(0, AF_INET6), nullptr);
  EXPECT_NE(judge_flags(0, AF_UNIX), nullptr);
  EXPECT_NE(judge_request(nullptr, nullptr), nullptr);
}

TEST(ResolverQualify, CanonicalNamesThatLibcDecodes) {
  constexpr int both = AI_CANONNAME | AI_CANONIDN;
  for (const char* name : {"xn--bcher-kva.test", "a.XN--bcher-kva", "xn--a"}) EXPECT_TRUE(needs_decoding(name, both));
  for (const char* name : {"", "a", "a.b", "axn--b.c", "xn-a.xn"}) EXPECT_FALSE(needs_decoding(name, both)) << name;
  EXPECT_FALSE(needs_decoding("xn--a", AI_CANONNAME));
  EXPECT_FALSE(needs_decoding("xn--a", AI_CANONIDN));
}

TEST(ResolverQualify, Names) {
  for (const char* name : {"a", "a.", "a.b", "A-1_b.c", "1a", "1.2.3.4.5", "_srv.x", "x.-y", "256.1.1.1", "0xg"}) {
    EXPECT_TRUE(is_plain_name(name)) << name;
  }
  for (const char* name :
       {"",           ".", "..", "a..b", ".a",   "a..", "1.2.3.4",      "1",     "0x7f.1", "017.1", "::1",
        "fe80::1%lo", "*", "-a", "a b",  "a\tb", "a*b", "b\xc3\xbc.de", "a\\.b", "a/b",    "a%b",   "1.2.3.4 "}) {
    EXPECT_FALSE(is_plain_name(name)) << name;
  }
}

TEST(ResolverQualify, Lengths) {
  EXPECT_TRUE(is_plain_name(std::string(63, 'x').c_str()));
  EXPECT_FALSE(is_plain_name(std::string(64, 'x').c_str()));
  std::string longest;
  for (int i = 0; i < 3; ++i) longest += std::string(63, 'x') + ".";
  longest += std::string(61, 'x');
  ASSERT_EQ(longest.size(), 253U);
  EXPECT_TRUE(is_plain_name(longest.c_str()));
  EXPECT_TRUE(is_plain_name((longest + ".").c_str()));
  EXPECT_FALSE(is_plain_name((longest + "x").c_str()));
  EXPECT_FALSE(is_plain_name((longest + "..").c_str()));
  EXPECT_FALSE(is_plain_name(std::string(100'000, 'x').c_str()));
}

TEST(ResolverQualify, SearchDomainsMayBeNumbers) {
  EXPECT_TRUE(is_label_list("10"));
  EXPECT_TRUE(is_label_list("-x.test"));
  EXPECT_FALSE(is_label_list(""));
  EXPECT_FALSE(is_label_list("a..b"));
}

TEST(ResolverQualify, NsswitchWithFilesAndDns) {
  for (const auto* file : {"hosts: files dns\n", "hosts:\tfiles  dns",
                           "# a\n\npasswd: files\n  hosts: files dns # x\nnetworks: files\n", "hosts : files dns\n"}) {
    EXPECT_EQ(judge_nsswitch(text(file)), nullptr) << file;
  }
}

TEST(ResolverQualify, NsswitchWithAnythingElse) {
  for (const auto* file :
       {"", "passwd: files\n", "hosts:\n", "hosts: files\n", "hosts: dns\n", "hosts: dns files\n",
        "hosts: files mdns4_minimal [NOTFOUND=return] dns\n", "hosts: files dns myhostname\n",
        "hosts: files [NOTFOUND=return] dns\n", "hosts: files dns [!UNAVAIL=return]\n", "hosts: files resolve\n",
        "hosts: files dns\nhosts: files dns\n", "#hosts: files dns\n", "hosts:files dns\n"}) {
    EXPECT_NE(judge_nsswitch(text(file)), nullptr) << file;
  }
}

TEST(ResolverQualify, GaiConf) {
  EXPECT_EQ(judge_gai(text("")), nullptr);
  EXPECT_EQ(judge_gai(text("# label ::1/128 0\n\n \t\n#")), nullptr);
  EXPECT_NE(judge_gai(text("#\nprecedence ::ffff:0:0/96  100\n")), nullptr);
}

TEST(ResolverQualify, ResolvConf) {
  EXPECT_EQ(judge_resolv_conf(text("")), nullptr);
  EXPECT_EQ(judge_resolv_conf(text("nameserver 192.0.2.1\noptions rotate timeout:1\n#options single-request\n")),
            nullptr);
  EXPECT_EQ(judge_resolv_conf(text("search single-request\noptions single-requests\n")), nullptr);
  EXPECT_NE(judge_resolv_conf(text("options rotate single-request")), nullptr);
  EXPECT_NE(judge_resolv_conf(text("options rotate\n\toptions\tsingle-request-reopen ndots:2\n")), nullptr);
}

TEST(ResolverQualify, HostsFile) {
  constexpr auto* file =
      "127.0.0.1 localhost\n::1\tip6-localhost  LoopBack # comment\n# 10.0.0.1 gone\n10.0.0.2 last.test";
  EXPECT_TRUE(hosts_has(text(file), "localhost"));
  EXPECT_TRUE(hosts_has(text(file), "LOCALHOST"));
  EXPECT_TRUE(hosts_has(text(file), "loopback"));
  EXPECT_TRUE(hosts_has(text(file), "last.test"));
  EXPECT_FALSE(hosts_has(text(file), "gone"));
  EXPECT_FALSE(hosts_has(text(file), "comment"));
  EXPECT_FALSE(hosts_has(text(file), "last"));
  EXPECT_FALSE(hosts_has(text(file), "last.test."));
  EXPECT_FALSE(hosts_has(text(""), "x"));
}

}  // namespace
}  // namespace ctgate::resolver

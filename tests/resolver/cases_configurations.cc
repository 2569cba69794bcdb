// SPDX-License-Identifier: GPL-2.0-or-later
// The files and variables that tell a resolver what to do.
#include <netdb.h>
#include <sys/socket.h>

#include "tests/resolver/cases.hh"

namespace ctgate::test::cases {
namespace {

using Files = std::map<std::string, std::string>;

std::vector<Call> calls_of(const std::vector<std::string>& names, int flags = AI_CANONNAME) {
  std::vector<Call> calls;
  for (const auto& name : names) {
    calls.push_back(plain(name));
    calls.push_back({name, "80", Hints{AF_UNSPEC, 0, 0, flags}});
  }
  return calls;
}

const std::vector<std::string> search_names = {
    "host",    "host.",       "only-second", "host.sub",          "host.sub.", "only.sub", "both.ctgate.test",
    "v4first", "nodatafirst", "nowhere",     "nowhere.deep.name", "single",    "localhost"};

void add_search_lists(std::vector<Profile>& all) {
  const std::string list = "search first.test second.test\n";
  const std::pair<const char*, std::string> configurations[] = {
      {"search", list},
      {"search_ndots_2", list + "options ndots:2\n"},
      {"search_ndots_0", list + "options ndots:0\n"},
      {"search_ndots_15", list + "options ndots:99\n"},
      {"search_root", "search .\n"},
      {"domain", "domain second.test\n"},
      {"domain_then_search", "domain second.test\n" + list},
      {"search_twice", list + "search second.test\n"},
      {"search_dotted", "search first.test. .second.test\n"},
      {"search_many", "search a.test b.test c.test d.test e.test f.test g.test second.test\n"},
      {"no_search", "\n"},
      {"no_tld_query", list + "options no-tld-query\n"},
  };
  for (const auto& [name, text] : configurations) {
    all.push_back({.name = name, .files = files(text), .calls = calls_of(search_names)});
  }
}

const std::vector<std::string> usual_names = {"both.ctgate.test",     "v4",        "alias3",    "nowhere", "nodata",
                                              "big.ctgate.test",      "localhost", "192.0.2.1", "many",    "scopes",
                                              "servfail.ctgate.test", "refused",   "truncated"};

void add_options(std::vector<Profile>& all) {
  const std::string search = "search ctgate.test\n";
  const std::pair<const char*, std::string> configurations[] = {
      {"edns0", search + "options edns0 trust-ad\n"},
      {"use_vc", search + "options use-vc\n"},
      {"no_aaaa", search + "options no-aaaa\n"},
      {"single_request", search + "options single-request\n"},
      {"single_request_reopen", search + "options single-request-reopen\n"},
      {"rotate", search + "nameserver 10.99.2.3\noptions rotate\n"},
      {"inet6", search + "options inet6 ip6-bytestring\n"},
      {"sortlist", search + "sortlist 10.99.2.0/255.255.255.0 198.51.100.0\n"},
      {"nonsense", search + "# comment\n; comment\nnonsense words\noptions nonsense ndots:x timeout:-1\n\t\n"},
      {"bad_servers", "nameserver nonsense\nnameserver 300.1.1.1\nnameserver\n" + search},
      {"many_servers", search + "nameserver 10.99.2.3\nnameserver 10.99.2.2\nnameserver 10.99.2.9\n"},
      {"second_answers_differently", "nameserver 10.99.2.3\n" + search},
  };
  for (const auto& [name, text] : configurations) {
    all.push_back({.name = name, .files = files(text), .calls = calls_of(usual_names)});
  }
  Profile rotating{.name = "round_robin", .files = files(), .unordered = true};
  for (int i = 0; i < 6; ++i) rotating.calls.push_back(plain("rotating"));
  all.push_back(rotating);
}

void add_hosts(std::vector<Profile>& all) {
  const std::string hosts =
      "# comment\n127.0.0.1 localhost\n::1 localhost\n192.0.2.101 h4 h4.example\n2001:db8::101 h6\n"
      "192.0.2.102 hboth.example hboth # trailing\n2001:db8::102 hboth.example hboth\n192.0.2.103 hmany\n"
      "192.0.2.104 hmany\n2001:db8::104 hmany\n192.0.2.105 both.ctgate.test v4.ctgate.test\n192.0.2.106 UPPER "
      "Upper.Example\n"
      "192.0.2.107\n not.an.address name\n192.0.2.300 hbad\n10.0.0.1 single\n  192.0.2.108\thtab\thtab2\n"
      "::ffff:192.0.2.109 hmapped\nfe80::1%server0 hscoped\nfe80::2 hlink\n127.0.0.5 hloop\n192.0.2.110 "
      "alias.ctgate.test\n"
      "192.0.2.111 hdot.\n192.0.2.1x hhalf\n";
  const std::vector<std::string> names = {"h4",
                                          "h4.example",
                                          "H4",
                                          "h6",
                                          "hboth",
                                          "hboth.example",
                                          "hmany",
                                          "both.ctgate.test",
                                          "v4.ctgate.test",
                                          "both",
                                          "upper",
                                          "UPPER",
                                          "upper.example",
                                          "hbad",
                                          "single",
                                          "htab",
                                          "htab2",
                                          "hmapped",
                                          "hscoped",
                                          "hlink",
                                          "hloop",
                                          "alias",
                                          "name",
                                          "hdot",
                                          "hdot.",
                                          "h4.",
                                          "hhalf",
                                          "localhost",
                                          "v6",
                                          "h4.ctgate.test"};
  auto with = files();
  with["hosts"] = hosts;
  Profile profile{.name = "hosts", .files = with, .calls = calls_of(names)};
  for (const auto& name : names) {
    profile.calls.push_back({name, std::nullopt, Hints{AF_INET, SOCK_STREAM, 0, AI_CANONNAME}});
    profile.calls.push_back({name, std::nullopt, Hints{AF_INET6, SOCK_STREAM, 0, AI_V4MAPPED | AI_ALL}});
    profile.calls.push_back({name, std::nullopt, Hints{AF_UNSPEC, SOCK_STREAM, 0, AI_ADDRCONFIG}});
  }
  all.push_back(profile);
  with["host.conf"] = "multi off\n";
  all.push_back({.name = "hosts_multi_off", .files = with, .calls = calls_of(names)});
  with.erase("host.conf");
  all.push_back({.name = "hosts_without_host_conf", .files = with, .calls = calls_of(names)});
  with.erase("hosts");
  all.push_back({.name = "no_hosts", .files = with, .calls = calls_of(names)});
}

void add_name_services(std::vector<Profile>& all) {
  const std::pair<const char*, const char*> lines[] = {
      {"dns_only", "hosts: dns\n"},
      {"files_only", "hosts: files\n"},
      {"dns_files", "hosts: dns files\n"},
      {"files_return", "hosts: files [NOTFOUND=return] dns\n"},
      {"dns_return", "hosts: dns [!UNAVAIL=return] files\n"},
      {"files_continue", "hosts: files [SUCCESS=continue] dns\n"},
      {"files_merge", "hosts: files [SUCCESS=merge] dns\n"},
      {"myhostname", "hosts: myhostname files dns\n"},
      {"mdns", "hosts: files mdns4_minimal [NOTFOUND=return] dns\n"},
      {"unknown_service", "hosts: nosuchservice files dns\n"},
      {"upper_case", "HOSTS: FILES DNS\n"},
      {"no_hosts_line", "passwd: files\n"},
      {"empty_hosts_line", "hosts:\n"},
      {"two_lines", "hosts: files\nhosts: dns\n"},
      {"comment", "# hosts: files\n  hosts:\tfiles\tdns # dns\n"},
      {"compat", "hosts: compat\n"},
  };
  for (const auto& [name, line] : lines) {
    auto with = files();
    with["nsswitch.conf"] = line;
    with["hosts"] += "192.0.2.120 both.ctgate.test\n192.0.2.121 only-hosts\n";
    all.push_back({.name = std::string("nss_") + name,
                   .files = with,
                   .calls = calls_of({"both.ctgate.test", "only-hosts", "v4", "localhost", "nowhere", "192.0.2.1",
                                      "alias", "printer.local"})});
  }
  auto without = files();
  without.erase("nsswitch.conf");
  all.push_back({.name = "no_nsswitch_conf", .files = without, .calls = calls_of(usual_names)});
}

void add_sorting(std::vector<Profile>& all) {
  const std::pair<const char*, const char*> tables[] = {
      {"gai_ipv4_first", "precedence ::ffff:0:0/96 100\n"},
      {"gai_labels", "label 2001:db8::/32 4\nlabel ::/0 9\nlabel fc00::/7 5\nlabel ::ffff:0:0/96 5\n"},
      {"gai_scopes", "scopev4 ::ffff:192.0.2.0/120 2\nscopev4 ::ffff:0.0.0.0/96 14\n"},
      {"gai_nonsense", "nonsense\nprecedence x y\nreload yes\n"},
      {"gai_empty", "# nothing\n"},
  };
  for (const auto& [name, text] : tables) {
    auto with = files();
    with["gai.conf"] = text;
    all.push_back(
        {.name = name, .files = with, .calls = calls_of({"many", "scopes", "both", "localhost", "big", "twice"})});
  }
}

void add_failing_servers(std::vector<Profile>& all) {
  const std::string quick = "search ctgate.test\noptions timeout:1 attempts:1\n";
  const auto with = [](std::string text) {
    auto result = files();
    result["resolv.conf"] = std::move(text);
    return result;
  };
  const std::vector<std::string> few = {"both.ctgate.test", "localhost", "192.0.2.1", "nowhere"};
  all.push_back({.name = "nobody_listens",
                 .files = with("nameserver 10.99.2.2\nnameserver 10.99.1.1\n" + quick),
                 .calls = calls_of(few)});
  all.push_back({.name = "first_is_closed",
                 .files = with("nameserver 10.99.1.1\nnameserver 10.99.2.2\n" + quick),
                 .calls = calls_of(few)});
  all.push_back({.name = "all_closed", .files = with("nameserver 10.99.1.1\n" + quick), .calls = calls_of(few)});
  all.push_back({.name = "no_server", .files = with("search ctgate.test\n"), .calls = calls_of(few)});
  auto without = files();
  without.erase("resolv.conf");
  all.push_back({.name = "no_resolv_conf", .files = without, .calls = calls_of(few)});
  all.push_back(
      {.name = "silence",
       .files = with("nameserver 10.99.2.2\n" + quick),
       .calls = {plain("silent.ctgate.test."), plain("silent-a.ctgate.test."), plain("silent-aaaa.ctgate.test.")}});
  all.push_back({.name = "silent_first_server",
                 .files = with("nameserver 10.99.7.7\nnameserver 10.99.2.2\n" + quick),
                 .calls = {plain("both.ctgate.test."), plain("nowhere.ctgate.test.")}});
  all.push_back({.name = "cut_streams",
                 .files = with("nameserver 10.99.2.2\n" + quick),
                 .calls = calls_of({"cut.ctgate.test", "cut-a.ctgate.test", "cut-aaaa.ctgate.test"})});
}

void add_environments(std::vector<Profile>& all) {
  const std::pair<const char*, std::vector<std::string>> sets[] = {
      {"env_ndots", {"RES_OPTIONS=ndots:3"}},
      {"env_use_vc", {"RES_OPTIONS=use-vc"}},
      {"env_no_aaaa", {"RES_OPTIONS=no-aaaa"}},
      {"env_single_request", {"RES_OPTIONS=single-request"}},
      {"env_localdomain", {"LOCALDOMAIN=second.test first.test"}},
      {"env_aliases", {"HOSTALIASES=/etc/hostaliases"}},
  };
  for (const auto& [name, environment] : sets) {
    Profile profile{.name = name, .files = files(), .environment = environment, .calls = calls_of(search_names)};
    profile.files["hostaliases"] = "host both.ctgate.test\nnowhere v4.ctgate.test\n";
    all.push_back(profile);
  }
}

}  // namespace

void add_configurations(std::vector<Profile>& all) {
  add_search_lists(all);
  add_options(all);
  add_hosts(all);
  add_name_services(all);
  add_sorting(all);
  add_failing_servers(all);
  add_environments(all);
}

}  // namespace ctgate::test::cases

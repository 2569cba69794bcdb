// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/resolver/cases.hh"

#include <netdb.h>
#include <sys/socket.h>

namespace ctgate::test {
namespace {

using dns::Entry;
using dns::Rcode;
using dns::Trick;

std::vector<Address> addresses(std::initializer_list<const char*> texts) {
  std::vector<Address> result;
  for (const char* text : texts) result.push_back(*Address::parse(text));
  return result;
}

Entry both(std::uint8_t number) {
  Entry entry{addresses({"192.0.2.0", "2001:db8::"})};
  entry.addresses[0].bytes[3] = number;
  entry.addresses[1].bytes[15] = number;
  return entry;
}

std::vector<Address> numbered(const char* first, std::size_t byte, int count) {
  std::vector<Address> result(static_cast<std::size_t>(count), *Address::parse(first));
  for (int i = 0; i < count; ++i) result[static_cast<std::size_t>(i)].bytes[byte] = static_cast<std::uint8_t>(i + 1);
  return result;
}

void add_plain_names(dns::Zone& zone) {
  zone.add("v4.ctgate.test", {addresses({"192.0.2.4"})}).add("v6.ctgate.test", {addresses({"2001:db8::6"})});
  zone.add("both.ctgate.test", both(1)).add("nodata.ctgate.test", {{}});
  zone.add("a.very.deep.name.ctgate.test", both(2)).add("under_score.ctgate.test", both(3));
  zone.add("-dash.ctgate.test", both(4)).add("dash-.ctgate.test", both(5)).add("123.ctgate.test", both(6));
  zone.add("xn--bcher-kva.ctgate.test", both(7))
      .add(
          "b\xc3\xbc"
          "cher.ctgate.test",
          both(8));
  zone.add("single", both(9)).add("star*.ctgate.test", both(10)).add("x@y.ctgate.test", both(11));
  zone.add("sp ace.ctgate.test", both(12)).add("localhost.ctgate.test", both(13)).add("localhost", both(14));
  zone.add(std::string(63, 'l') + ".ctgate.test", both(15)).add("db.ctgate.test", both(16));
  zone.add("slow.ctgate.test", {.addresses = both(17).addresses, .delay = std::chrono::milliseconds(20)});
  zone.add("printer.local", both(18)).add("host.onion", both(19)).add("ip6-localhost.ctgate.test", both(20));
  // Names that the search lists lead to.
  zone.add("host.first.test", both(31)).add("host.second.test", both(32)).add("only-second.second.test", both(33));
  zone.add("host.sub", both(34)).add("host.sub.first.test", both(35)).add("only.sub.second.test", both(36));
  zone.add("v4first.first.test", {addresses({"192.0.2.37"})}).add("v4first.second.test", {addresses({"2001:db8::37"})});
  zone.add("nodatafirst.first.test", {{}}).add("nodatafirst.second.test", both(38));
}

void add_lists(dns::Zone& zone) {
  zone.add("many.ctgate.test", {addresses({"192.0.2.11", "2001:db8::11", "10.99.2.9", "fd00:99:2::9", "198.51.100.7",
                                           "2001:db8:1::7", "203.0.113.9", "2001:db8::12"})});
  zone.add("scopes.ctgate.test",
           {addresses({"127.0.0.2", "::1", "169.254.1.1", "fe80::1", "10.99.2.3", "2002:c000:204::1", "2001::1",
                       "fec0::1", "fd00:99:2::3", "2001:db8:1::1", "192.0.2.1", "::ffff:192.0.2.8", "64:ff9b::c000:201",
                       "ff02::1", "224.0.0.1"})});
  zone.add("mapped.ctgate.test", {addresses({"::ffff:192.0.2.77"})});
  zone.add("unspecified.ctgate.test", {addresses({"0.0.0.0", "::"})});
  zone.add("twice.ctgate.test", {addresses({"192.0.2.5", "192.0.2.5", "2001:db8::5", "2001:db8::5"})});
  zone.add("rotating.ctgate.test", {.addresses = addresses({"192.0.2.21", "192.0.2.22", "192.0.2.23", "2001:db8::21",
                                                            "2001:db8::22", "2001:db8::23"}),
                                    .rotate = true});
  Entry big{numbered("10.1.0.0", 3, 100)};
  const auto v6 = numbered("2001:db8:2::", 15, 60);
  zone.add("big4.ctgate.test", big);
  zone.add("big6.ctgate.test", {v6});
  big.addresses.insert(big.addresses.end(), v6.begin(), v6.end());
  zone.add("big.ctgate.test", big);
}

void add_aliases(dns::Zone& zone) {
  const auto alias = [](const char* target) { return Entry{.addresses = {}, .alias = target}; };
  zone.add("alias.ctgate.test", alias("both.ctgate.test")).add("alias2.ctgate.test", alias("alias.ctgate.test"));
  zone.add("alias3.ctgate.test", alias("alias2.ctgate.test")).add("alias4.ctgate.test", alias("alias3.ctgate.test"));
  zone.add("alias-v4.ctgate.test", alias("v4.ctgate.test")).add("alias-v6.ctgate.test", alias("v6.ctgate.test"));
  zone.add("alias-big.ctgate.test", alias("big.ctgate.test")).add("dangling.ctgate.test", alias("nowhere.test"));
  zone.add("alias-nodata.ctgate.test", alias("nodata.ctgate.test")).add("loop.ctgate.test", alias("loop.ctgate.test"));
  zone.add("loop1.ctgate.test", alias("loop2.ctgate.test")).add("loop2.ctgate.test", alias("loop1.ctgate.test"));
  zone.add("alias-odd.ctgate.test", alias("under_score.ctgate.test"));
  zone.add("alias-space.ctgate.test", alias("sp ace.ctgate.test"));
}

void add_failures(dns::Zone& zone) {
  const struct {
    const char* word;
    Rcode code;
  } codes[] = {{"servfail", Rcode::server_failure},
               {"refused", Rcode::refused},
               {"formerr", Rcode::format_error},
               {"notimp", Rcode::not_implemented},
               {"nxdomain", Rcode::name_error}};
  for (const auto& [word, code] : codes) {
    auto entry = both(40);
    entry.rcode_a = code;
    zone.add(std::string(word) + "-a.ctgate.test", entry);
    entry.rcode_aaaa = code;
    zone.add(std::string(word) + ".ctgate.test", entry);
    entry.rcode_a = Rcode::no_error;
    zone.add(std::string(word) + "-aaaa.ctgate.test", entry);
    entry.addresses.resize(1);
    zone.add(std::string(word) + "-aaaa-v4.ctgate.test", entry);
  }
  const struct {
    const char* word;
    Trick trick;
  } tricks[] = {{"truncated", Trick::truncated}, {"silent", Trick::silence}, {"cut", Trick::cut_stream}};
  for (const auto& [word, trick] : tricks) {
    auto entry = both(41);
    entry.trick_a = trick;
    zone.add(std::string(word) + "-a.ctgate.test", entry);
    entry.trick_aaaa = trick;
    zone.add(std::string(word) + ".ctgate.test", entry);
    entry.trick_a = Trick::none;
    zone.add(std::string(word) + "-aaaa.ctgate.test", entry);
  }
}

}  // namespace

dns::Zone case_zone() {
  dns::Zone zone;
  add_plain_names(zone);
  add_lists(zone);
  add_aliases(zone);
  add_failures(zone);
  return zone;
}

const std::vector<Profile>& profiles() {
  static const std::vector<Profile> all = [] {
    std::vector<Profile> result;
    cases::add_names(result);
    cases::add_hints(result);
    cases::add_configurations(result);
    return result;
  }();
  return all;
}

namespace cases {

std::map<std::string, std::string> files(const std::string& resolv_conf_more) {
  const std::string head = std::string("nameserver ") + first_server + "\n";
  return {{"resolv.conf", head + (resolv_conf_more.empty() ? "search ctgate.test\n" : resolv_conf_more)},
          {"nsswitch.conf", "hosts: files dns\nservices: files\nprotocols: files\n"},
          {"hosts", "127.0.0.1 localhost\n::1 localhost ip6-localhost\n"},
          {"host.conf", "multi on\n"}};
}

Call plain(const std::string& node) {
  return {node, std::nullopt, Hints{AF_UNSPEC, SOCK_STREAM, 0, 0}};
}

}  // namespace cases
}  // namespace ctgate::test

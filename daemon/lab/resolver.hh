// SPDX-License-Identifier: GPL-2.0-or-later
// A real resolver pair: glibc's getaddrinfo() in the client against dnsmasq in the server. glibc sends the questions
// for A and AAAA back to back from one socket, the best-known victim of the race.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/lab/namespace.hh"
#include "policy/address.hh"
#include "policy/base/error.hh"
#include "policy/base/file_descriptor.hh"
#include "policy/base/io.hh"
#include "policy/base/process.hh"

namespace ctgate::lab {

// Whether dnsmasq is installed; the error says how to get it.
[[nodiscard]] Expected<void> check_dnsmasq();

// dnsmasq answering every name below "ctgate.test" with one A and one AAAA record. Owned.
class Dnsmasq {
 public:
  // Listens on `address`, port 53, when this returns.
  [[nodiscard]] static Expected<Dnsmasq> start(const NetworkNamespace& where, const Address& address);

  // What it logged so far (--log-queries=extra).
  [[nodiscard]] std::string log() const { return content_of(log_.get()); }

 private:
  Dnsmasq(Process process, FileDescriptor log) : process_(std::move(process)), log_(std::move(log)) {}
  Process process_;
  FileDescriptor log_;
};

// One question in dnsmasq's log.
struct LoggedQuestion {
  std::string name;
  std::string type;    // "A", "AAAA"
  std::string source;  // "address/port" as dnsmasq sees it
  bool operator==(const LoggedQuestion&) const = default;
};

// The questions in a log of --log-queries=extra, in order of arrival. Pure.
[[nodiscard]] std::vector<LoggedQuestion> parse_questions(std::string_view log);

// Lookups, and the flows that they made: one per name, of two datagrams.
struct LookupResult {
  std::uint32_t flows = 0;     // lookups
  std::uint32_t sent = 0;      // questions: two per lookup
  std::uint32_t answered = 0;  // questions whose answer getaddrinfo() returned
  std::uint32_t lost = 0;
  std::uint32_t split_flows = 0;         // names asked for from several source ports
  std::uint32_t out_of_order_flows = 0;  // names whose AAAA came before their A
};

// Looks `count` names up in `client`, one getaddrinfo(AF_UNSPEC) each, in a child process whose /etc holds nothing but
// a resolv.conf with `server` and an nsswitch.conf with "hosts: dns".
[[nodiscard]] Expected<LookupResult> look_names_up(const NetworkNamespace& client, const Address& server,
                                                   std::uint32_t count, const Dnsmasq& dnsmasq);

}  // namespace ctgate::lab

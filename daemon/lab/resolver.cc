// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/lab/resolver.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <sstream>

#include "policy/base/find_program.hh"

namespace ctgate::lab {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* domain = "ctgate.test";
constexpr std::chrono::seconds start_deadline{5};
constexpr std::chrono::seconds lookup_deadline{20};  // for all names together

std::string name_of(std::uint32_t number) {
  return fmt::format("name{}.{}", number, domain);
}

// In the child: a mount namespace of its own, where /etc is ours and no name service cache answers instead.
bool become_resolver_client(const NetworkNamespace& client, const Address& server) {
  if (::setns(client.fd(), CLONE_NEWNET) != 0 || ::unshare(CLONE_NEWNS) != 0) return false;
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
  if (::mount("etc", "/etc", "tmpfs", 0, nullptr) != 0) return false;
  for (const char* cache : {"/run/nscd", "/var/run/nscd"}) {
    if (::access(cache, F_OK) == 0 && ::mount("nscd", cache, "tmpfs", 0, nullptr) != 0) return false;
  }
  std::ofstream resolv("/etc/resolv.conf");
  resolv << "nameserver " << server.to_string() << "\noptions timeout:2 attempts:2\n";
  std::ofstream nsswitch("/etc/nsswitch.conf");
  nsswitch << "hosts: dns\n";
  resolv.close();
  nsswitch.close();
  for (const char* variable : {"RES_OPTIONS", "LOCALDOMAIN", "HOSTALIASES"}) ::unsetenv(variable);
  return resolv.good() && nsswitch.good();
}

// How many of A and AAAA came back: 0 to 2.
unsigned look_up(const std::string& name) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(name.c_str(), nullptr, &hints, &found) != 0) return 0;
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  bool v4 = false;
  bool v6 = false;
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    v4 |= entry->ai_family == AF_INET;
    v6 |= entry->ai_family == AF_INET6;
  }
  return (v4 ? 1U : 0U) + (v6 ? 1U : 0U);
}

void judge_questions(const std::vector<LoggedQuestion>& questions, LookupResult& result) {
  struct Flow {
    std::set<std::string> sources;
    std::string first_type;
  };
  std::map<std::string, Flow> flows;
  for (const auto& question : questions) {
    auto& flow = flows[question.name];
    flow.sources.insert(question.source);
    if (flow.first_type.empty()) flow.first_type = question.type;
  }
  for (const auto& [name, flow] : flows) {
    result.split_flows += flow.sources.size() > 1 ? 1 : 0;
    result.out_of_order_flows += flow.first_type == "AAAA" ? 1 : 0;  // glibc sends A first
  }
}

}  // namespace

Expected<void> check_dnsmasq() {
  if (find_program("dnsmasq")) return {};
  return system_error("dnsmasq is not installed (apt install dnsmasq-base, dnf install dnsmasq)");
}

Expected<Dnsmasq> Dnsmasq::start(const NetworkNamespace& where, const Address& address) {
  FileDescriptor log(::memfd_create("dnsmasq-log", MFD_CLOEXEC));
  if (!log) return errno_error("memfd_create", errno);
  ProcessOptions spawn;
  spawn.argv = {"dnsmasq",
                "--keep-in-foreground",
                "--conf-file=/dev/null",
                "--no-resolv",
                "--no-hosts",
                "--no-poll",
                "--bind-interfaces",
                "--listen-address=" + address.to_string(),
                "--pid-file",  // none
                "--user=root",
                fmt::format("--address=/{}/192.0.2.1", domain),
                fmt::format("--address=/{}/2001:db8::1", domain),
                "--log-queries=extra",
                "--log-facility=-"};
  spawn.network_namespace = where.fd();
  spawn.errors = log.get();
  auto process = Process::start(spawn);
  if (!process) return tl::unexpected(process.error());
  Dnsmasq server(std::move(*process), std::move(log));
  const auto deadline = Clock::now() + start_deadline;
  while (server.log().find(" started") == std::string::npos) {  // logged once its sockets are bound
    const auto ended = server.process_.wait(std::chrono::milliseconds(5));
    if (ended || Clock::now() > deadline) {
      return system_error(fmt::format("dnsmasq does not start ({}): {}",
                                      ended ? fmt::format("exit status {}", *ended) : "no sign of life", server.log()));
    }
  }
  return server;
}

// "dnsmasq: 3 10.99.2.1/40001 query[AAAA] name0.ctgate.test from 10.99.2.1"
std::vector<LoggedQuestion> parse_questions(std::string_view log) {
  std::vector<LoggedQuestion> questions;
  std::istringstream lines{std::string(log)};
  for (std::string line; std::getline(lines, line);) {
    const auto query = line.find(" query[");
    if (query == std::string::npos) continue;
    const auto type = query + std::string_view(" query[").size();
    const auto type_end = line.find("] ", type);
    const auto source = line.rfind(' ', query - 1);
    if (type_end == std::string::npos || source == std::string::npos) continue;
    const auto name = type_end + 2;
    questions.push_back({line.substr(name, line.find(' ', name) - name), line.substr(type, type_end - type),
                         line.substr(source + 1, query - source - 1)});
  }
  return questions;
}

Expected<LookupResult> look_names_up(const NetworkNamespace& client, const Address& server, std::uint32_t count,
                                     const Dnsmasq& dnsmasq) {
  const FileDescriptor answers(::memfd_create("answers", MFD_CLOEXEC));
  if (!answers) return errno_error("memfd_create", errno);
  auto child = Process::call([&] {
    if (!become_resolver_client(client, server)) return 1;
    for (std::uint32_t number = 0; number < count; ++number) {
      const char digit = static_cast<char>('0' + look_up(name_of(number)));
      if (::write(answers.get(), &digit, 1) != 1) return 1;
    }
    return 0;
  });
  if (!child) return tl::unexpected(child.error());
  // A child that is out of time is killed: what it did not look up is lost.
  if (const auto status = child->wait(lookup_deadline); status && *status != 0) {
    return system_error(fmt::format("the lookups' child process failed to set itself up (status {})", *status));
  }
  LookupResult result;
  result.flows = count;
  result.sent = 2 * count;
  for (const char digit : content_of(answers.get())) result.answered += static_cast<std::uint32_t>(digit - '0');
  result.lost = result.sent - result.answered;
  judge_questions(parse_questions(dnsmasq.log()), result);
  return result;
}

}  // namespace ctgate::lab

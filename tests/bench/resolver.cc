// SPDX-License-Identifier: GPL-2.0-or-later
// How long getaddrinfo(3) takes for both families behind a third party with late verdicts: what libc's own options
// cost, and what the library does. dnsmasq answers; a relay in front of it delays each answer by 20 ms, the round trip.
#include <fmt/format.h>
#include <netdb.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>

#include "daemon/lab/consumer.hh"
#include "daemon/lab/resolver.hh"
#include "daemon/lab/sandbox.hh"
#include "daemon/lab/third_party.hh"
#include "policy/base/io.hh"
#include "policy/base/process.hh"
#include "policy/image/compile.hh"
#include "tests/bench/bench.hh"
#include "tests/resolver/call.hh"
#include "tests/resolver/dns_server.hh"
#include "tests/resolver/etc.hh"

namespace ctgate::bench {
namespace {

using namespace std::chrono_literals;

constexpr auto round_trip = 20ms;
constexpr auto verdict = 2ms;

struct Variant {
  const char* name;
  std::string options;               // RES_OPTIONS
  std::optional<Resolver> resolver;  // of the library; none: without it
  std::vector<double> times{};       // ms
  int failed = 0;                    // lookups that did not give both addresses
};

std::string image_of(Resolver resolver, const std::filesystem::path& directory) {
  Policy policy;
  policy.shim.resolver = resolver;
  const auto image = must(compile_policy(policy)).image;
  const auto path = directory / fmt::format("image{}", static_cast<int>(resolver));
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(image.data()), static_cast<std::streamsize>(image.size()));
  if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
  return path;
}

// Looks `count` new names up in one process.
void measure(Variant& variant, int count, const lab::NetworkNamespace& where, const std::filesystem::path& directory) {
  static int names = 0;
  const auto calls = directory / "calls";
  std::ofstream file(calls);
  for (int i = 0; i < count; ++i) {
    file << test::Call{fmt::format("name{}.ctgate.test", ++names), std::nullopt, test::Hints{0, SOCK_STREAM, 0, 0}}
                .to_line()
         << '\n';
  }
  file.close();
  std::vector<std::string> argv{"env"};
  if (!variant.options.empty()) argv.push_back("RES_OPTIONS=" + variant.options);
  if (variant.resolver) {
    argv.insert(argv.end(), {std::string("LD_PRELOAD=") + CTGATE_LIBRARY,  //
                             "CTGATE_POLICY=" + image_of(*variant.resolver, directory)});
  }
  argv.insert(argv.end(), {RESOLVE_CALLS, calls});
  const FileDescriptor output(memfd_create("output", MFD_CLOEXEC));
  auto process = must(Process::start({.argv = argv, .network_namespace = where.fd(), .output = output.get()}));
  const auto status = process.wait(120s);
  if (!status || *status != 0) throw std::runtime_error(fmt::format("{}: resolve_calls fails", variant.name));
  const auto outcomes = test::parse_outcomes(content_of(output.get()));
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    if (outcomes[i].found.size() != 2) ++variant.failed;
    // A process' first lookup reads files and loads libraries.
    if (i > 0) variant.times.push_back(static_cast<double>(outcomes[i].time.count()) / 1000);
  }
}

void print(const std::vector<Variant>& variants) {
  const double base = quantile(variants[1].times);
  fmt::print("getaddrinfo(), both families, {} ms round trip, {} ms verdicts in OUTPUT; medians of {}\n",
             round_trip.count(), verdict.count(), variants[0].times.size());
  for (const auto& variant : variants) {
    fmt::print("  {:<32} {:>7.2f} ms  {:>5.2f} of single-request{}\n", variant.name, quantile(variant.times),
               quantile(variant.times) / base, variant.failed == 0 ? "" : fmt::format("  {} FAILED", variant.failed));
  }
  fmt::print("the library with c-ares: {:.3f} of single-request, to be at most 0.6\n",
             quantile(variants.back().times) / base);
}

void resolver(bool quick) {
  must(lab::check_dnsmasq());
  const auto topology = must(lab::Topology::create());
  const auto at = lab::Topology::addresses(Family::ipv4);
  const auto dnsmasq = must(lab::Dnsmasq::start(topology.server(), at.backends[1]));
  test::dns::ServerOptions options;
  options.addresses = {at.backends[0]};
  options.answer_delay = round_trip;
  const auto relay = must(test::dns::Server::start(topology.server(), options,
                                                   test::dns::relay_to(topology.server(), {at.backends[1], 53})));
  must(topology.gateway().nft(lab::nat::tracking_only(Family::ipv4)));
  const auto consumer = must(lab::DelayingConsumer::start(topology.gateway(), {.delay = verdict}));
  must(lab::install_third_party(topology.gateway(), {.hook = lab::ThirdPartyRule::Hook::output}));
  test::set_resolver_files({{"resolv.conf", "nameserver " + at.backends[0].to_string() + "\n"},
                            {"nsswitch.conf", "hosts: files dns\n"},
                            {"hosts", "127.0.0.1 localhost\n"}});
  const auto directory = must(lab::make_scratch_directory());

  std::vector<Variant> variants = {{"libc", "", {}},
                                   {"libc, single-request", "single-request", {}},
                                   {"libc, single-request-reopen", "single-request-reopen", {}},
                                   {"libc, use-vc", "use-vc", {}},
                                   {"the library, resolver = \"libc\"", "", Resolver::libc},
                                   {"the library, resolver = \"auto\"", "", Resolver::automatic},
                                   {"the library, resolver = \"c-ares\"", "", Resolver::c_ares}};
  for (int round = 0; round < (quick ? 1 : 5); ++round) {
    for (auto& variant : variants) measure(variant, quick ? 4 : 11, topology.gateway(), directory);
  }
  print(variants);
}

}  // namespace
}  // namespace ctgate::bench

int main(int argc, char** argv) {
  return ctgate::bench::run(argc, argv, ctgate::bench::resolver);
}

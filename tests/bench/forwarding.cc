// SPDX-License-Identifier: GPL-2.0-or-later
// Rate of a saturated forwarding path, established flows, with the rule set and without.
#include <fmt/format.h>
#include <sys/socket.h>

#include <array>
#include <chrono>

#include "tests/bench/bench.hh"

namespace ctgate::bench {
namespace {

constexpr std::uint16_t port = 9000;
constexpr std::size_t flows = 64;

struct Variant {
  const char* name;
  const char* policy;  // nullptr: no ctgated
};

constexpr std::array variants{
    Variant{"without ctgated", nullptr}, Variant{"ctgated", ""},
    Variant{"ctgated, policy passes", "[[rule]]\nname='dns'\ndestination_ports=[53]\n[default]\naction='pass'\n"}};

// A gateway of its own for each variant, so that they can take turns.
struct Path {
  lab::Topology topology = must(lab::Topology::create());
  std::optional<lab::Daemon> daemon;
  std::vector<FileDescriptor> senders;
  std::vector<double> rates;  // datagrams per second at the server

  explicit Path(const Variant& variant) {
    must(topology.gateway().nft(lab::nat::tracking_only(Family::ipv4)));
    if (variant.policy != nullptr)
      daemon.emplace(must(lab::Daemon::start(topology.gateway(), {.policy = variant.policy})));
    for (std::size_t i = 0; i < flows; ++i) {
      senders.push_back(udp_sender(topology.client(), {lab::Topology::addresses(Family::ipv4).backends[0], port}));
    }
  }

  void measure(std::chrono::milliseconds duration) {
    std::array<char, 32> payload{};
    iovec vector{payload.data(), payload.size()};
    std::array<mmsghdr, 32> messages{};
    for (auto& message : messages) {
      message.msg_hdr.msg_iov = &vector;
      message.msg_hdr.msg_iovlen = 1;
    }
    const auto before = received_datagrams(topology);
    const auto start = std::chrono::steady_clock::now();
    auto now = start;
    for (std::size_t i = 0; now - start < duration; ++i) {
      (void)sendmmsg(senders[i % flows].get(), messages.data(), messages.size(), 0);
      now = std::chrono::steady_clock::now();
    }
    const std::chrono::duration<double> elapsed = now - start;
    rates.push_back(static_cast<double>(received_datagrams(topology) - before) / elapsed.count());
  }
};

void forwarding(bool quick) {
  const int rounds = quick ? 3 : 15;
  const std::chrono::milliseconds duration(quick ? 100 : 500);
  std::vector<Path> paths;
  paths.reserve(variants.size());
  for (const auto& variant : variants) paths.emplace_back(variant).measure(duration);  // a round to warm up
  for (auto& path : paths) path.rates.clear();
  for (int round = 0; round < rounds; ++round) {
    for (auto& path : paths) path.measure(duration);
  }
  const double bare = quantile(paths[0].rates);
  fmt::print("forwarding, {} established flows, medians of {} rounds in turn\n", flows, rounds);
  for (std::size_t i = 0; i < variants.size(); ++i) {
    const double rate = quantile(paths[i].rates);
    fmt::print("{:<28} {:8.0f} datagrams/s   {:.3f}\n", variants[i].name, rate, rate / bare);
  }
}

}  // namespace
}  // namespace ctgate::bench

int main(int argc, char** argv) {
  return ctgate::bench::run(argc, argv, ctgate::bench::forwarding);
}

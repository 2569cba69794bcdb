// SPDX-License-Identifier: GPL-2.0-or-later
// The traffic of tests/packages/system.sh, in the machine whose own network namespace forwards and is gated.
// ./network.sh has made its neighbours: the namespaces `client` and `server`, the NAT and the third party's rule.
//
//   package_traffic scenario [FLOWS]  bursts on new flows through the third party's queue; prints their fate
//   package_traffic load              the same without end, next to one established flow; a line "ready" when it goes.
//                                     first_split_end and last_split_start: when the first burst with split flows was
//                                     over and the last one began, in ms of CLOCK_MONOTONIC; 0 when there was none
//   package_traffic serve             the answering side for `chat`
//   package_traffic chat              a user's program, without privileges: one flow from the machine to `serve`
//
// The last three end with SIGTERM. Output is one JSON object, exit code 0; 1 when the test itself could not run.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "daemon/lab/arrival.hh"
#include "daemon/lab/conntrack_stats.hh"
#include "daemon/lab/consumer.hh"
#include "daemon/lab/namespace.hh"
#include "daemon/lab/servers.hh"
#include "daemon/lab/topology.hh"
#include "daemon/lab/traffic.hh"

namespace ctgate::lab {
namespace {

using nlohmann::json;

constexpr std::uint16_t scenario_port = 9000;
constexpr std::uint16_t chat_port = 9001;
constexpr std::chrono::milliseconds pace{20};               // of the flow that goes on
constexpr std::chrono::milliseconds answer_deadline{5000};  // the emulator may stand still for a while
constexpr ConsumerOptions third_party{.queue = 1, .delay = std::chrono::milliseconds(3)};

// SIGTERM is blocked from the start, in all threads, and asked for here.
bool termination_requested(std::chrono::milliseconds timeout) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  const auto nanoseconds = std::chrono::nanoseconds(timeout).count();
  const timespec wait{nanoseconds / 1'000'000'000, nanoseconds % 1'000'000'000};
  return ::sigtimedwait(&signals, nullptr, &wait) == SIGTERM;
}

// The lab makes namespaces of its own only. Here one is made, and its descriptor then stands for the one at `path`.
Expected<NetworkNamespace> existing(const char* path, std::string_view role) {
  const FileDescriptor target(::open(path, O_RDONLY | O_CLOEXEC));
  if (!target) return errno_error(std::string("open ") + path, errno);
  auto result = NetworkNamespace::create(role);
  if (result && ::dup3(target.get(), result->fd(), O_CLOEXEC) < 0) return errno_error("dup3", errno);
  return result;
}

// The machine as the gateway, with its third party at work.
struct Stage {
  NetworkNamespace client;
  NetworkNamespace gateway;
  std::unique_ptr<DelayingConsumer> consumer;
  std::unique_ptr<Servers> servers;

  static Expected<Stage> set_up() {
    auto client = existing("/run/netns/client", "client");
    if (!client) return tl::unexpected(client.error());
    auto gateway = existing("/proc/self/ns/net", "gateway");
    if (!gateway) return tl::unexpected(gateway.error());
    auto server = existing("/run/netns/server", "server");
    if (!server) return tl::unexpected(server.error());
    auto consumer = DelayingConsumer::start(*gateway, third_party);
    if (!consumer) return tl::unexpected(consumer.error());
    auto servers = Servers::start(*server, {.family = Family::ipv4, .port = scenario_port});
    if (!servers) return tl::unexpected(servers.error());
    return Stage{std::move(*client), std::move(*gateway), std::move(*consumer), std::move(*servers)};
  }

  Expected<BurstResult> send_flows(std::uint32_t flows) {
    const Endpoint service{Topology::addresses(Family::ipv4).service, scenario_port};
    return burst(client, service, {.flows = flows, .answer_deadline = answer_deadline}, *servers);
  }
};

Expected<json> scenario(std::uint32_t flows) {
  auto stage = Stage::set_up();
  if (!stage) return tl::unexpected(stage.error());
  const auto before = read_conntrack_stats(stage->gateway);
  if (!before) return tl::unexpected(before.error());
  const auto result = stage->send_flows(flows);
  if (!result) return tl::unexpected(result.error());
  const auto after = read_conntrack_stats(stage->gateway);
  if (!after) return tl::unexpected(after.error());
  return json{{"flows", result->flows},
              {"sent", result->sent},
              {"lost", result->lost},
              {"split", result->split_flows},
              {"out_of_order", result->out_of_order_flows},
              {"clash_resolve", (*after - *before).clash_resolve},
              {"queued", stage->consumer->packets_seen()}};
}

// One flow that sends at its pace and counts the answers, until it is told to stop.
class PacedFlow {
 public:
  // In the calling thread's network namespace.
  static Expected<PacedFlow> open(const Endpoint& peer) {
    FileDescriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const SocketAddress target = to_socket_address(peer);
    if (!socket || ::connect(socket.get(), target.get(), target.size) != 0) {
      return errno_error("connect to " + peer.to_string(), errno);
    }
    return PacedFlow(std::move(socket));
  }

  void run(const std::function<bool()>& stop) {
    while (!stop()) {
      const auto payload = encode({0, sent_});
      if (::send(socket_.get(), payload.data(), payload.size(), 0) > 0) ++sent_;
      read_answers();
    }
    const auto deadline = std::chrono::steady_clock::now() + answer_deadline;
    while (answered_.size() < sent_ && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      read_answers();
    }
  }

  [[nodiscard]] std::uint32_t sent() const { return sent_; }
  [[nodiscard]] std::size_t lost() const { return sent_ - answered_.size(); }

 private:
  explicit PacedFlow(FileDescriptor socket) : socket_(std::move(socket)) {}

  void read_answers() {
    std::array<std::uint8_t, 64> buffer{};
    for (;;) {
      const auto size = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (size < 0) return;
      if (const auto mark = decode_mark({buffer.data(), static_cast<std::size_t>(size)})) answered_.insert(mark->index);
    }
  }

  FileDescriptor socket_;
  std::uint32_t sent_ = 0;
  std::set<std::uint32_t> answered_;
};

std::int64_t monotonic_milliseconds() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

// To a port of its own, for the servers' arrivals are the bursts' alone.
Expected<json> load() {
  auto stage = Stage::set_up();
  if (!stage) return tl::unexpected(stage.error());
  const Endpoint peer{Topology::addresses(Family::ipv4).backends[1], chat_port};
  auto established = stage->client.run([&] { return PacedFlow::open(peer); });
  if (!established) return tl::unexpected(established.error());
  std::jthread paced([&](const std::stop_token& token) {
    established->run([&] {
      std::this_thread::sleep_for(pace);
      return token.stop_requested();
    });
  });
  BurstResult total;
  std::int64_t first_split_end = 0;
  std::int64_t last_split_start = 0;
  while (!termination_requested(std::chrono::milliseconds(10))) {
    const auto start = monotonic_milliseconds();
    const auto result = stage->send_flows(5);
    if (!result) return tl::unexpected(result.error());
    if (total.flows == 0) {
      std::puts("ready");
      std::fflush(stdout);
    }
    total.flows += result->flows;
    total.sent += result->sent;
    total.lost += result->lost;
    total.split_flows += result->split_flows;
    if (result->split_flows > 0) {
      if (first_split_end == 0) first_split_end = monotonic_milliseconds();
      last_split_start = start;
    }
  }
  paced.request_stop();
  paced.join();
  return json{{"flows", total.flows},
              {"sent", total.sent},
              {"lost", total.lost},
              {"split", total.split_flows},
              {"first_split_end", first_split_end},
              {"last_split_start", last_split_start},
              {"established", established->sent()},
              {"established_lost", established->lost()}};
}

Expected<json> serve() {
  auto server = existing("/run/netns/server", "server");
  if (!server) return tl::unexpected(server.error());
  const auto servers = Servers::start(*server, {.family = Family::ipv4, .port = chat_port});
  if (!servers) return tl::unexpected(servers.error());
  std::puts("ready");
  std::fflush(stdout);
  while (!termination_requested(std::chrono::seconds(10))) (*servers)->clear();
  return json::object();
}

Expected<json> chat() {
  auto flow = PacedFlow::open({Topology::addresses(Family::ipv4).backends[0], chat_port});
  if (!flow) return tl::unexpected(flow.error());
  flow->run([] { return termination_requested(pace); });
  return json{{"sent", flow->sent()}, {"lost", flow->lost()}};
}

int run(int argc, char** argv) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  const std::uint32_t flows = argc > 2 ? static_cast<std::uint32_t>(std::stoul(argv[2])) : 20;
  const std::map<std::string_view, std::function<Expected<json>()>> commands{
      {"scenario", [&] { return scenario(flows); }}, {"load", load}, {"serve", serve}, {"chat", chat}};
  const auto command = argc > 1 ? commands.find(argv[1]) : commands.end();
  if (command == commands.end()) {
    std::fputs("usage: package_traffic scenario [FLOWS] | load | serve | chat\n", stderr);
    return 2;
  }
  const auto result = command->second();
  if (!result) {
    std::fprintf(stderr, "package_traffic: %s\n", result.error().message.c_str());
    return 1;
  }
  std::printf("%s\n", result->dump().c_str());
  return 0;
}

}  // namespace
}  // namespace ctgate::lab

int main(int argc, char** argv) {
  try {
    return ctgate::lab::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "package_traffic: %s\n", error.what());
    return 1;
  }
}

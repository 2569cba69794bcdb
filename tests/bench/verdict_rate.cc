// SPDX-License-Identifier: GPL-2.0-or-later
// The cost of a datagram in user space: the worker (many datagrams to a read, many verdicts to a write) against a plain
// libnetfilter_queue consumer (one of each per datagram). Both get every datagram before conntrack: bursts on new
// flows, 64 datagrams each. Where cores are few the sender sets the rate, so what counts is the consumer's time on a
// CPU; that includes the datagram's way through the rest of the stack, which runs inside the verdict's system call.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/netfilter.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <fstream>
#include <thread>

#include "daemon/rules/xt_queue.hh"
#include "tests/bench/bench.hh"

extern "C" {
#include <libnetfilter_queue/libnetfilter_queue.h>
}

namespace ctgate::bench {
namespace {

constexpr std::uint16_t port = 9000;
constexpr std::uint16_t plain_queue = 2;

// As libnetfilter_queue's own example has it.
class PlainConsumer {
 public:
  explicit PlainConsumer(const lab::NetworkNamespace& where) {
    where.run([&] {
      handle_ = nfq_open();
      if (handle_ == nullptr) throw std::runtime_error("nfq_open");
      queue_ = nfq_create_queue(handle_, plain_queue, &PlainConsumer::verdict, nullptr);
      if (queue_ == nullptr) throw std::runtime_error("nfq_create_queue");
      nfq_set_mode(queue_, NFQNL_COPY_PACKET, 128);
      nfq_set_queue_maxlen(queue_, 16384);
    });
    const int buffer = 16 << 20;
    setsockopt(nfq_fd(handle_), SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer);
    thread_ = std::thread([this] {
      thread_id_ = gettid();
      run();
    });
    while (thread_id_ == 0) std::this_thread::yield();
  }
  ~PlainConsumer() {
    stop_ = true;
    thread_.join();
    nfq_destroy_queue(queue_);
    nfq_close(handle_);
  }
  [[nodiscard]] pid_t thread_id() const { return thread_id_; }
  PlainConsumer(const PlainConsumer&) = delete;
  PlainConsumer& operator=(const PlainConsumer&) = delete;

 private:
  static int verdict(nfq_q_handle* queue, nfgenmsg*, nfq_data* data, void*) {
    const auto* header = nfq_get_msg_packet_hdr(data);
    return nfq_set_verdict(queue, ntohl(header->packet_id), NF_ACCEPT, 0, nullptr);
  }
  void run() {
    std::array<char, 4096> buffer;
    while (!stop_) {
      pollfd waiting{nfq_fd(handle_), POLLIN, 0};
      if (poll(&waiting, 1, 20) <= 0) continue;
      for (ssize_t size; (size = recv(nfq_fd(handle_), buffer.data(), buffer.size(), MSG_DONTWAIT)) > 0;) {
        nfq_handle_packet(handle_, buffer.data(), static_cast<int>(size));
      }
    }
  }

  nfq_handle* handle_ = nullptr;
  nfq_q_handle* queue_ = nullptr;
  std::atomic<bool> stop_ = false;
  std::atomic<pid_t> thread_id_ = 0;
  std::thread thread_;
};

struct Rate {
  double datagrams_per_second = 0;
  double cpu_microseconds = 0;  // of the consumer, for each datagram
};

// Nanoseconds on a CPU (first field; Documentation/scheduler/sched-stats.rst) of a process's first thread, or a thread.
double cpu_time(pid_t process_or_thread) {
  std::ifstream file(fmt::format("/proc/{}/schedstat", process_or_thread));
  double nanoseconds = 0;
  if (!(file >> nanoseconds)) throw std::runtime_error("no schedstat");
  return nanoseconds;
}

// Sends bursts for a while, but never more than the queue holds ahead of what arrives.
Rate measure(const lab::Topology& topology, pid_t consumer, std::chrono::milliseconds duration) {
  constexpr std::uint64_t most_ahead = 4096;
  std::array<char, 32> payload{};
  iovec vector{payload.data(), payload.size()};
  std::array<mmsghdr, 64> messages{};
  for (auto& message : messages) {
    message.msg_hdr.msg_iov = &vector;
    message.msg_hdr.msg_iovlen = 1;
  }
  const auto first = received_datagrams(topology);
  const double cpu_before = cpu_time(consumer);
  const auto start = std::chrono::steady_clock::now();
  std::uint64_t sent = 0, arrived = 0;
  while (std::chrono::steady_clock::now() - start < duration) {
    for (int i = 0; i < 16; ++i) {
      const auto sender = udp_sender(topology.client(), {lab::Topology::addresses(Family::ipv4).backends[0], port});
      const int count = sendmmsg(sender.get(), messages.data(), messages.size(), 0);
      if (count > 0) sent += static_cast<std::uint64_t>(count);
    }
    const auto timeout = std::chrono::steady_clock::now() + std::chrono::seconds(2);
    do {
      arrived = received_datagrams(topology) - first;
    } while (sent > arrived + most_ahead && std::chrono::steady_clock::now() < timeout);
  }
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  return {static_cast<double>(arrived) / elapsed.count(),
          (cpu_time(consumer) - cpu_before) / 1000 / static_cast<double>(arrived)};
}

void verdict_rate(bool quick) {
  const int rounds = quick ? 2 : 9;
  const std::chrono::milliseconds duration(quick ? 200 : 1000);
  const lab::Topology plain = must(lab::Topology::create());
  must(plain.gateway().nft(lab::nat::tracking_only(Family::ipv4)));
  const PlainConsumer consumer(plain.gateway());
  plain.gateway().run([] { must(rules::set_xt_queue_chain(Family::ipv4, "plain", "to_queue", plain_queue)); });
  must(
      plain.gateway().nft("add chain ip plain prerouting { type filter hook prerouting priority -300; }\n"
                          "add rule ip plain prerouting meta l4proto udp goto to_queue\n"));

  const lab::Topology gated = must(lab::Topology::create());
  must(gated.gateway().nft(lab::nat::tracking_only(Family::ipv4)));
  auto daemon = must(lab::Daemon::start(gated.gateway(), {.policy = "[daemon]\nbackend = 'iptables'\n"}));

  const auto worker = must(daemon.status()).at("queues").at(0).at("worker_pid").get<pid_t>();
  std::vector<double> plain_rates, plain_costs, gated_rates, gated_costs;
  for (int round = 0; round < rounds; ++round) {
    const Rate without = measure(plain, consumer.thread_id(), duration);
    plain_rates.push_back(without.datagrams_per_second);
    plain_costs.push_back(without.cpu_microseconds);
    const Rate with = measure(gated, worker, duration);
    gated_rates.push_back(with.datagrams_per_second);
    gated_costs.push_back(with.cpu_microseconds);
  }
  const auto status = must(daemon.status());
  fmt::print("plain consumer {:8.0f} datagrams/s, {:5.2f} us of CPU each\n", quantile(plain_rates),
             quantile(plain_costs));
  fmt::print("ctgated        {:8.0f} datagrams/s, {:5.2f} us of CPU each ({} of {} held)\n", quantile(gated_rates),
             quantile(gated_costs), status.at("held_total").get<std::uint64_t>(),
             status.at("queued_total").get<std::uint64_t>());
  fmt::print("ratio          {:8.2f} of the rate, {:8.2f} datagrams for the same CPU\n",
             quantile(gated_rates) / quantile(plain_rates), quantile(plain_costs) / quantile(gated_costs));
}

}  // namespace
}  // namespace ctgate::bench

int main(int argc, char** argv) {
  return ctgate::bench::run(argc, argv, ctgate::bench::verdict_rate);
}

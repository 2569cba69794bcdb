// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/ctgated/worker/worker.hh"

#include <poll.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "daemon/netlink/queue_list.hh"

namespace ctgate::daemon {
namespace {

std::uint64_t random_seed() {
  std::uint64_t seed = 0;
  if (getrandom(&seed, sizeof seed, 0) == sizeof seed) return seed;
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

// A plain ppoll(2) loop: one system call to wait, nothing to rebuild after a fork, no wake-up while nothing happens.
class Worker {
 public:
  Worker(const WorkerResources& resources, const WorkerConfig& config, netlink::Conntrack& conntrack, int signal_fd)
      : resources_(resources),
        signal_fd_(signal_fd),
        verdicts_(resources.queue),
        foreign_queues_(resources.queue_list, config.first_queue, config.last_queue),
        engine_(config.gate, random_seed(), verdicts_, conntrack, foreign_queues_, [this] { beat(); }),
        publisher_(resources.shared) {}

  void run() {
    while (!stop_) {
      beat();
      take_a_turn();
    }
    // With its keeper gone nobody reads the queue after this process. It gets no more datagrams from here on; what was
    // queued between the last read and the close would be dropped.
    if (keeper_gone_ || getppid() != resources_.keeper) resources_.queue.stop_queueing();
    for (int batch = 0; batch < max_batches_at_stop && read_queue(); ++batch) beat();
    engine_.release_all(std::chrono::steady_clock::now());
    publish();
  }

 private:
  static constexpr int max_batches_a_turn = 16;
  static constexpr int max_batches_at_stop = 4096;

  enum Source { queue, events, link, signals, source_count };

  void beat() const { resources_.shared.beat.fetch_add(1, std::memory_order_relaxed); }

  void publish() {
    Counters counters = engine_.counters();
    counters.queue_overruns = queue_overruns_;
    publisher_.publish(counters, engine_.histogram());
  }

  // Waits until there is something to do, and does it.
  void take_a_turn() {
    std::array<pollfd, source_count> sources{};
    sources[queue] = {resources_.queue.fd(), POLLIN, 0};
    sources[events] = {resources_.events.fd(), POLLIN, 0};
    sources[link] = {resources_.link, POLLIN, 0};
    sources[signals] = {signal_fd_, POLLIN, 0};
    const auto timeout = time_left();
    const int ready = ppoll(sources.data(), sources.size(), timeout ? &*timeout : nullptr, nullptr);
    if (ready < 0) return;
    if (sources[signals].revents != 0) stop_ = true;
    if (sources[link].revents != 0) read_link();
    // Before the queue: a flow that was confirmed in the meantime need not hold what is read next.
    if (sources[events].revents != 0 || ready == 0) engine_.wake(std::chrono::steady_clock::now());
    if (sources[queue].revents != 0) {
      for (int batch = 0; batch < max_batches_a_turn && read_queue(); ++batch) {
      }
      // Deadlines are due even while datagrams never stop coming.
      const auto now = std::chrono::steady_clock::now();
      if (const auto deadline = engine_.next_deadline(); deadline && *deadline <= now) engine_.wake(now);
    }
    publish();
    ask_to_be_watched();
  }

  // After publish(): the keeper looks at what is held once more after it stopped watching.
  void ask_to_be_watched() const {
    if (engine_.gate().held() == 0 || resources_.shared.watched.load() != 0) return;
    const std::byte request{};
    (void)send(resources_.link, &request, sizeof request, MSG_DONTWAIT | MSG_NOSIGNAL);
  }

  [[nodiscard]] std::optional<timespec> time_left() const {
    const auto deadline = engine_.next_deadline();
    if (!deadline) return std::nullopt;
    const auto left = std::max(Duration::zero(), Duration(*deadline - std::chrono::steady_clock::now()));
    return timespec{static_cast<time_t>(left.count() / 1'000'000'000), static_cast<long>(left.count() % 1'000'000'000)};
  }

  // False: nothing waits any more.
  bool read_queue() {
    packets_.clear();
    vanished_.clear();
    const auto status = resources_.queue.read(reader_, packets_, vanished_);
    engine_.vanished(vanished_);
    if (status == netlink::BatchReader::Status::overrun) ++queue_overruns_;
    if (!packets_.empty()) {
      resources_.shared.last_read_id.store(packets_.back().id.value, std::memory_order_release);
      engine_.packets(packets_, std::chrono::steady_clock::now());
    }
    return status != netlink::BatchReader::Status::drained;
  }

  void read_link() {
    std::array<std::byte, sizeof(WorkerConfig) + 1> message;
    const auto size = recv(resources_.link, message.data(), message.size(), MSG_DONTWAIT);
    if (size == 0) stop_ = keeper_gone_ = true;  // known before getppid(2) tells: a process closes its files first
    if (size != static_cast<ssize_t>(sizeof(WorkerConfig))) return;
    WorkerConfig config;
    std::memcpy(&config, message.data(), sizeof config);
    foreign_queues_ = netlink::ForeignQueues(resources_.queue_list, config.first_queue, config.last_queue);
    engine_.configure(config.gate);
  }

  const WorkerResources& resources_;
  int signal_fd_;
  bool stop_ = false;
  bool keeper_gone_ = false;
  netlink::VerdictWriter verdicts_;
  netlink::ForeignQueues foreign_queues_;
  Engine engine_;
  CounterPublisher publisher_;
  std::uint64_t queue_overruns_ = 0;
  netlink::BatchReader reader_{netlink::packet_message_space};
  std::vector<QueuedPacket> packets_;
  std::vector<PacketId> vanished_;
};

}  // namespace

int run_worker(const WorkerResources& resources, const WorkerConfig& config) {
  prctl(PR_SET_NAME, worker_process_name.data());
  // If the keeper dies, held datagrams must not wait for a deadline that nobody keeps.
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != resources.keeper) return 0;
  sigset_t termination;
  sigemptyset(&termination);
  sigaddset(&termination, SIGTERM);
  const int signals = signalfd(-1, &termination, SFD_CLOEXEC | SFD_NONBLOCK);
  auto conntrack = netlink::Conntrack::open(resources.events);
  if (signals < 0 || !conntrack) {
    spdlog::error("worker: {}", conntrack ? std::strerror(errno) : conntrack.error().message);
    return static_cast<int>(ExitCode::system);
  }
  Worker(resources, config, **conntrack, signals).run();
  return static_cast<int>(ExitCode::ok);
}

}  // namespace ctgate::daemon

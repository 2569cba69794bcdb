// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/ctgated/keeper/lane.hh"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <exception>

#include "daemon/ctgated/keeper/orphan.hh"
#include "daemon/ctgated/worker/worker.hh"

namespace ctgate::daemon {
namespace {

// Blocks all signals for as long as it lives: a child that is forked meanwhile starts with none delivered.
class BlockSignals {
 public:
  BlockSignals() {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before_);
  }
  BlockSignals(const BlockSignals&) = delete;
  BlockSignals& operator=(const BlockSignals&) = delete;
  ~BlockSignals() { sigprocmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

// close_range(2), which kernels before 5.9 and some containers' filters do not have.
void close_from_to(unsigned first, unsigned last) {
  if (close_range(first, last, 0) == 0) return;
  const long limit = sysconf(_SC_OPEN_MAX);
  for (unsigned fd = first; fd <= last && static_cast<long>(fd) < limit; ++fd) close(static_cast<int>(fd));
}

// Closes everything but the standard streams and `kept`, of which negative ones are none. The keeper's lock and its end
// of the link must not live on here.
void close_others(std::array<int, 4> kept) {
  std::sort(kept.begin(), kept.end());
  unsigned first = STDERR_FILENO + 1;
  for (const int fd : kept) {
    if (fd < 0) continue;
    if (static_cast<unsigned>(fd) > first) close_from_to(first, static_cast<unsigned>(fd) - 1);
    first = static_cast<unsigned>(fd) + 1;
  }
  close_from_to(first, ~0U);
}

}  // namespace

Lane::Lane(const LaneName& name, netlink::Queue queue, netlink::ConntrackEvents events)
    : name_(name), queue_(std::move(queue)), events_(std::move(events)), shared_(make_shared_counters()) {}

Expected<std::unique_ptr<Lane>> Lane::open(const LaneName& name, const netlink::QueueSettings& settings) {
  end_orphan(name.queue);
  auto events = netlink::ConntrackEvents::subscribe(name.release);
  if (!events) return tl::unexpected(events.error());
  auto queue = netlink::Queue::bind(netlink::QueueNumber{name.queue}, settings);
  if (!queue) return tl::unexpected(queue.error());
  return std::unique_ptr<Lane>(new Lane(name, std::move(*queue), std::move(*events)));
}

Lane::~Lane() {
  if (worker_) {
    kill_worker();
    while (waitpid(*worker_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  queue_.stop_queueing();
  queue_.accept_all(last_read());
}

PacketId Lane::last_read() const {
  return PacketId{static_cast<std::uint32_t>(shared_->last_read_id.load(std::memory_order_acquire))};
}

Expected<void> Lane::start_worker(WorkerConfig config, int queue_list) {
  config.gate.release = name_.release;
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return errno_error("make a link to a worker", errno);
  }
  link_ = FileDescriptor(ends[0]);
  const FileDescriptor workers_end(ends[1]);
  const pid_t keeper = getpid();
  const BlockSignals blocked;
  const pid_t child = fork();
  if (child == 0) become_worker(workers_end.get(), queue_list, keeper, config);
  if (child < 0) return errno_error("start a worker", errno);
  worker_ = child;
  worker_started_ = std::chrono::steady_clock::now();
  stop_watching();
  return {};
}

void Lane::become_worker(int link, int queue_list, pid_t keeper, const WorkerConfig& config) {
  // Nothing of the keeper may go on here: not its handlers, not its descriptors, not its destructors.
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGCHLD}) signal(number, SIG_DFL);
  close_others({queue_.fd(), events_.fd(), queue_list, link});
  int code = static_cast<int>(ExitCode::system);
  try {
    code = run_worker({queue_, events_, *shared_, queue_list, link, keeper}, config);
  } catch (const std::exception&) {
    // The keeper sees the exit code, says so and starts another one.
  }
  _exit(code);
}

void Lane::send(const void* data, std::size_t size) const {
  if (link_) (void)::send(link_.get(), data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void Lane::configure(WorkerConfig config) {
  config.gate.release = name_.release;
  send(&config, sizeof config);
}

bool Lane::worker_ended(pid_t pid) {
  if (worker_ != pid) return false;
  worker_.reset();
  link_ = FileDescriptor();
  queue_.accept_read(last_read());
  shared_->counters.held_now.store(0);
  shared_->counters.flows_holding.store(0);
  return true;
}

void Lane::ask_to_stop() const {
  if (worker_) kill(*worker_, SIGTERM);
}

void Lane::kill_worker() const {
  if (worker_) kill(*worker_, SIGKILL);
}

void Lane::stop_watching() {
  heartbeat_.forget();
  shared_->watched.store(0);
}

void Lane::start_watching() {
  shared_->watched.store(1);
  std::byte message{};
  while (link_ && recv(link_.get(), &message, sizeof message, MSG_DONTWAIT) > 0) {
  }
}

std::chrono::nanoseconds Lane::silent_for(Time now) {
  if (!worker_) heartbeat_.forget();
  const auto silence = heartbeat_.silent_for(shared_->beat.load(std::memory_order_relaxed), now);
  const std::byte request{};
  send(&request, sizeof request);
  return silence;
}

bool Lane::busy() {
  const std::uint64_t queued = shared_->counters.queued.load(std::memory_order_relaxed);
  const bool moved = queued != last_queued_;
  last_queued_ = queued;
  pollfd waiting{queue_.fd(), POLLIN, 0};
  return moved || shared_->counters.held_now.load() != 0 || poll(&waiting, 1, 0) > 0;
}

}  // namespace ctgate::daemon

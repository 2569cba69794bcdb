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

// Closes everything but the standard streams and `kept`.
void close_others(std::array<int, 3> kept) {
  std::sort(kept.begin(), kept.end());
  unsigned first = STDERR_FILENO + 1;
  for (const int fd : kept) {
    if (static_cast<unsigned>(fd) > first) close_range(first, static_cast<unsigned>(fd) - 1, 0);
    first = static_cast<unsigned>(fd) + 1;
  }
  close_range(first, ~0U, 0);
}

}  // namespace

Lane::Lane(netlink::Queue queue, netlink::ConntrackEvents events, Release release)
    : queue_(std::move(queue)), events_(std::move(events)), release_(release), counters_(make_shared_counters()) {}

Expected<std::unique_ptr<Lane>> Lane::open(netlink::QueueNumber number, Release release,
                                           const netlink::QueueSettings& settings) {
  auto events = netlink::ConntrackEvents::subscribe(release);
  if (!events) return tl::unexpected(events.error());
  auto queue = netlink::Queue::bind(number, settings);
  if (!queue) return tl::unexpected(queue.error());
  return std::unique_ptr<Lane>(new Lane(std::move(*queue), std::move(*events), release));
}

Lane::~Lane() {
  if (worker_) {
    kill_worker();
    while (waitpid(*worker_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  queue_.accept_all(last_read());
  close_link();
}

PacketId Lane::last_read() const {
  return PacketId{static_cast<std::uint32_t>(counters_->last_read_id.load(std::memory_order_acquire))};
}

void Lane::close_link() {
  if (link_ >= 0) close(link_);
  link_ = -1;
}

Expected<void> Lane::start_worker(GateConfig config) {
  config.release = release_;
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return errno_error("make a link to a worker", errno);
  }
  const pid_t keeper = getpid();
  const BlockSignals blocked;
  const pid_t child = fork();
  if (child == 0) become_worker(ends[1], keeper, config);
  const int failure = errno;
  close(ends[1]);
  close_link();
  link_ = ends[0];
  if (child < 0) return errno_error("start a worker", failure);
  worker_ = child;
  worker_started_ = std::chrono::steady_clock::now();
  rest();
  return {};
}

void Lane::become_worker(int link, pid_t keeper, const GateConfig& config) {
  // Nothing of the keeper may go on here: not its handlers, not its descriptors, not its destructors.
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGCHLD}) signal(number, SIG_DFL);
  close_others({queue_.fd(), events_.fd(), link});
  int code = static_cast<int>(ExitCode::system);
  try {
    code = run_worker({queue_, events_, *counters_, link, keeper}, config);
  } catch (const std::exception&) {
    // The keeper sees the exit code, says so and starts another one.
  }
  _exit(code);
}

void Lane::send(const void* data, std::size_t size) const {
  if (link_ >= 0) (void)::send(link_, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void Lane::configure(GateConfig config) {
  config.release = release_;
  send(&config, sizeof config);
}

bool Lane::worker_ended(pid_t pid) {
  if (worker_ != pid) return false;
  worker_.reset();
  close_link();
  queue_.accept_read(last_read());
  counters_->held.store(0, std::memory_order_relaxed);
  counters_->flows_holding.store(0, std::memory_order_relaxed);
  return true;
}

void Lane::ask_to_stop() const {
  if (worker_) kill(*worker_, SIGTERM);
}

void Lane::kill_worker() const {
  if (worker_) kill(*worker_, SIGKILL);
}

void Lane::rest() {
  asked_since_.reset();
  counters_->watched.store(0);
}

void Lane::watch() {
  counters_->watched.store(1);
  std::byte message{};
  while (link_ >= 0 && recv(link_, &message, sizeof message, MSG_DONTWAIT) > 0) {
  }
}

std::chrono::nanoseconds Lane::silence(Time now) {
  const std::uint64_t beat = counters_->beat.load(std::memory_order_relaxed);
  if (!worker_ || !asked_since_ || beat != last_beat_) asked_since_ = now;
  last_beat_ = beat;
  const std::byte request{};
  send(&request, sizeof request);
  return now - *asked_since_;
}

bool Lane::busy() {
  const std::uint64_t queued = counters_->queued_total.load(std::memory_order_relaxed);
  const bool moved = queued != last_queued_;
  last_queued_ = queued;
  pollfd waiting{queue_.fd(), POLLIN, 0};
  return moved || counters_->held.load() != 0 || poll(&waiting, 1, 0) > 0;
}

}  // namespace ctgate::daemon

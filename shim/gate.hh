// SPDX-License-Identifier: GPL-2.0-or-later
// The gate: the second datagram of a new flow waits until the first, its leader, has left the sender's stack. The wait
// is *before the second* instead of after the first, so that programs that send one datagram per flow pay nothing.
//
// Everything that a hook decides is decided here; what it asks the kernel goes through `Kernel`, which a unit test
// replaces (see shim/linux_kernel.hh for the real one and the meaning of each function):
//
//   tick() microseconds() thread_tag() user()
//   cookie(fd, out) is_udp(fd) peer(fd, out) corked(fd) outq(fd) replied(fd, age) note_replies(fd)
//   pause(us) wait_readable(fd, us) held(destination, us, timed_out)
//
// No function allocates, locks, throws, or changes errno. An error of the kernel in one of these questions means: pass.
// State left behind by a thread that was cancelled inside the real send costs the next sender `max_wait` at most, once.
#pragma once

#include <sys/socket.h>

#include <cerrno>
#include <cstdint>

#include "shim/descriptor_table.hh"
#include "shim/destination.hh"
#include "shim/flow_table.hh"
#include "shim/settings.hh"
#include "shim/status.hh"

namespace ctgate::shim {

using image::Action;
using image::WaitFor;

// The tables, one set per process; zero at the start.
struct Tables {
  FlowTable flows;
  DescriptorTable descriptors;
};

template <typename Kernel>
class Gate {
 public:
  constexpr Gate(Kernel& kernel, const Settings& settings, Tables& tables, Status& status)
      : kernel_(kernel), settings_(settings), tables_(tables), status_(status) {}

  // One datagram by `send()`, which returns what the system call returns. `name` may be nullptr: a connected socket.
  template <typename Send>
  auto send_one(int fd, const void* name, socklen_t length, int flags, Send send) {
    const std::uint32_t mark = name == nullptr ? connected_fingerprint : fingerprint(name, length);
    if (tables_.descriptors.passes(fd, mark, kernel_) && (flags & MSG_MORE) == 0) [[likely]] {
      return send();
    }
    return send_with_care(fd, name, length, flags, mark, send);
  }

  // Many datagrams, as sendmmsg(2): `send(first, count)` sends `count` from messages[first] on and returns how many
  // went, or -1. Returns the sum, or -1 if none went. In as few calls as possible: all up to the first follower in one.
  template <typename Message, typename Send>
  int send_many(int fd, Message* messages, unsigned count, int flags, Send&& send) {
    constexpr unsigned longest = 1024;  // UIO_MAXIOV; the kernel sends no more in one call
    count = count < longest ? count : longest;
    const int saved = errno;
    unsigned done = 0;
    do {
      Run run;
      extend(fd, messages, done, count, flags, run);
      const int sent = send(done, run.count);
      for (unsigned i = 0; i < run.leaders; ++i) {
        settle(fd, run.tickets[i], sent > 0 && run.tickets[i].index < done + static_cast<unsigned>(sent));
      }
      if (sent < 0) {
        if (done == 0) return sent;
        errno = saved;  // some went, so the call succeeds
        break;
      }
      done += static_cast<unsigned>(sent);
      if (static_cast<unsigned>(sent) < run.count) break;
    } while (done < count);
    return static_cast<int>(done);
  }

 private:
  // MSG_MORE begins a datagram that a later call ends. Its beginning waits as a datagram does and leads nothing; its
  // end does not wait, since the parts themselves charge the socket, and can lead.
  enum class Part : std::uint8_t { whole, beginning, end };

  struct Candidate {
    Destination destination;
    Part part = Part::whole;
    std::uint64_t key = 0;
    std::uint32_t identity = 0;
    std::uint32_t mark = 0;
  };

  // A leader on its way; settle() says how it went.
  struct Ticket {
    FlowTable::Handle handle;
    std::uint64_t key = 0;
    WaitFor wait_for = WaitFor::departure;
    bool leads = false;
    unsigned index = 0;
  };

  // Consecutive messages that can go in one call: no follower whose leader has not departed, save perhaps the first
  // message, which has waited already.
  struct Run {
    static constexpr unsigned most_leaders = 32;
    Ticket tickets[most_leaders];
    unsigned leaders = 0;
    unsigned count = 0;
  };

  // A separate function, with its argument by value, so that the fast path needs no stack frame.
  template <typename Send>
  [[gnu::noinline]] auto send_with_care(int fd, const void* name, socklen_t length, int flags, std::uint32_t mark,
                                        Send send) {
    Ticket ticket;
    prepare(fd, name, length, flags, mark, ticket);
    const auto result = send();
    if (ticket.leads) settle(fd, ticket, result >= 0);
    return result;
  }

  [[gnu::noinline]] void prepare(int fd, const void* name, socklen_t length, int flags, std::uint32_t mark,
                                 Ticket& ticket) {
    Candidate candidate;
    if (identify(fd, name, length, flags, mark, candidate)) admit(fd, candidate, ticket);
  }

  template <typename Message>
  void extend(int fd, Message* messages, unsigned first, unsigned end, int flags, Run& run) {
    for (unsigned i = first; i < end; ++i, ++run.count) {
      const auto& header = messages[i].msg_hdr;
      const std::uint32_t mark =
          header.msg_name == nullptr ? connected_fingerprint : fingerprint(header.msg_name, header.msg_namelen);
      if ((flags & MSG_MORE) == 0 && tables_.descriptors.passes(fd, mark, kernel_)) continue;
      Candidate candidate;
      if (!identify(fd, header.msg_name, header.msg_namelen, flags, mark, candidate)) continue;
      if (run.leaders == Run::most_leaders) return;
      if (i > first && would_wait(fd, candidate)) return;
      Ticket& ticket = run.tickets[run.leaders];
      ticket = {};
      admit(fd, candidate, ticket);
      ticket.index = i;
      if (ticket.leads) ++run.leaders;
    }
  }

  // False: nothing to gate here.
  bool identify(int fd, const void* name, socklen_t length, int flags, std::uint32_t mark, Candidate& candidate) {
    if (mark == 0 || (flags & MSG_ZEROCOPY) != 0) return false;
    const std::uint32_t now = kernel_.tick();
    SocketEntry entry = tables_.descriptors.load(fd);
    if (name == nullptr && entry.kind != SocketKind::udp) return false;
    if (!refresh(fd, entry, now)) return false;
    const bool more = (flags & MSG_MORE) != 0;
    if (more && entry.corked) return false;
    candidate.part = more ? Part::beginning : entry.corked ? Part::end : Part::whole;
    if (more != entry.corked) {
      entry.corked = more;
      tables_.descriptors.store(fd, entry);
    }
    if (name != nullptr) {
      if (!read_destination(name, length, candidate.destination)) return false;
    } else {
      sockaddr_in6 peer{};
      socklen_t peer_length = sizeof peer;
      if (!kernel_.peer(fd, &peer, &peer_length)) return false;
      if (!read_destination(&peer, peer_length, candidate.destination)) return false;
    }
    if (is_exempt(candidate.destination)) {
      tables_.descriptors.set_pass(fd, mark, now);
      return false;
    }
    candidate.identity = entry.identity;
    candidate.mark = mark;
    candidate.key = flow_key(entry.identity, candidate.destination);
    return true;
  }

  // Makes sure that `entry` is about the socket that the descriptor now refers to. False: that is not a UDP socket.
  bool refresh(int fd, SocketEntry& entry, std::uint32_t now) {
    if (entry.kind != SocketKind::unknown && entry.identity != 0 && now - entry.known_at < DescriptorTable::freshness) {
      return entry.kind == SocketKind::udp;
    }
    const std::uint32_t earlier = entry.identity;
    const std::uint32_t identity = read_identity(fd, entry);
    if (identity == 0) {  // a file by now, perhaps: write() on it must not ask again each time
      tables_.descriptors.store(fd, {SocketKind::other, false, 0, now});
      return false;
    }
    const bool same = entry.kind == SocketKind::udp && (identity == earlier || earlier == 0);
    if (!same) entry = {kernel_.is_udp(fd) ? SocketKind::udp : SocketKind::other, false, identity, now};
    entry.identity = identity;
    entry.known_at = now;
    tables_.descriptors.store(fd, entry);
    return entry.kind == SocketKind::udp;
  }

  // 0: not a socket, or asking is not allowed. Before Linux 4.12 there are no cookies; the socket then gets a number of
  // ours, which socket(2) resets.
  std::uint32_t read_identity(int fd, const SocketEntry& entry) {
    std::uint64_t cookie = 0;
    const int error = kernel_.cookie(fd, cookie);
    if (error == ENOPROTOOPT) {
      if (entry.identity != 0) return entry.identity;
      cookie = next_identity_.fetch_add(1, std::memory_order_relaxed);
    } else if (error != 0) {
      return 0;
    }
    const auto identity = static_cast<std::uint32_t>(mix(cookie)) & DescriptorTable::identity_mask;
    return identity == 0 ? 1 : identity;
  }

  // Whether admit() would wait for this datagram now.
  bool would_wait(int fd, const Candidate& candidate) {
    const std::uint32_t now = kernel_.tick();
    if (candidate.part == Part::end) return false;
    const auto handle = tables_.flows.find(candidate.key, now);
    if (handle.flow.state == FlowState::leading) return true;
    return handle.flow.state == FlowState::sent && age(now, handle.flow.time) < settings_.max_wait &&
           !departed(fd, candidate, handle.flow, decide(candidate).wait_for, now);
  }

  image::Decision decide(const Candidate& candidate) {
    return settings_.decide(candidate.destination, settings_.asks_for_user() ? kernel_.user() : 0);
  }

  // Returns when the datagram may go: at once for a leader (`ticket` then leads) and on a confirmed flow.
  void admit(int fd, const Candidate& candidate, Ticket& ticket) {
    Waiting waiting;
    image::Decision decision{};
    bool decided = false;
    for (;;) {
      const std::uint32_t now = kernel_.tick();
      auto handle = tables_.flows.find(candidate.key, now);
      if (handle.flow.state == FlowState::confirmed) {
        confirm(fd, candidate, handle, now);
        break;
      }
      if (!decided) {
        decision = decide(candidate);
        decided = true;
        if (decision.action == Action::pass) {
          tables_.descriptors.set_pass(fd, candidate.mark, now);
          return;
        }
      }
      if (handle.flow.state == FlowState::unknown) {
        if (candidate.part == Part::beginning || lead(candidate, decision.wait_for, handle, now, ticket)) break;
        continue;
      }
      if (candidate.part == Part::end) break;
      const bool leading = handle.flow.state == FlowState::leading;
      // Its own leader: this is a signal handler, or follows a call that was cancelled or jumped out of.
      if (leading && handle.flow.owner == kernel_.thread_tag()) break;
      const std::uint32_t waited = age(now, handle.flow.time);
      const bool late = waited >= settings_.max_wait;
      const bool gone = !leading && !late && departed(fd, candidate, handle.flow, decision.wait_for, now);
      if (gone || late || !wait(fd, decision.wait_for, waited, waiting)) {
        waiting.timed_out = !gone && decision.wait_for != WaitFor::delay;
        if (!leading) confirm(fd, candidate, handle, now);
        break;
      }
    }
    if (waiting.begun) account(candidate, waiting);
  }

  bool lead(const Candidate& candidate, WaitFor wait_for, FlowTable::Handle& handle, std::uint32_t now,
            Ticket& ticket) {
    if (handle.place == nullptr || handle.displaces) status_.overflow.fetch_add(1, std::memory_order_relaxed);
    if (handle.place == nullptr) return true;  // more flows being sent at once than there is room: ungated
    if (!FlowTable::replace(handle, candidate.key, {FlowState::leading, kernel_.thread_tag(), now})) return false;
    ticket.handle = handle;
    ticket.key = candidate.key;
    ticket.wait_for = wait_for;
    ticket.leads = true;
    return true;
  }

  [[gnu::noinline]] void settle(int fd, Ticket& ticket, bool sent) {
    if (!sent) {
      FlowTable::erase(ticket.handle);
      return;
    }
    FlowTable::replace(ticket.handle, ticket.key, {FlowState::sent, 0, kernel_.tick()});
    if (ticket.wait_for == WaitFor::reply) kernel_.note_replies(fd);
    status_.flows.fetch_add(1, std::memory_order_relaxed);
  }

  // Each use keeps the flow in the table, as each datagram keeps its entry in conntrack.
  void confirm(int fd, const Candidate& candidate, FlowTable::Handle& handle, std::uint32_t now) {
    constexpr std::uint32_t often_enough = 1000;  // ms
    const bool fresh = handle.flow.state == FlowState::confirmed && age(now, handle.flow.time) < often_enough;
    if (!fresh) FlowTable::replace(handle, candidate.key, {FlowState::confirmed, 0, now});
    tables_.descriptors.set_pass(fd, candidate.mark, now);
  }

  // `now` is from before the question to the kernel.
  bool departed(int fd, const Candidate& candidate, const Flow& flow, WaitFor wait_for, std::uint32_t now) {
    const std::uint32_t since = age(now, flow.time);
    if (wait_for == WaitFor::delay) return false;
    if (wait_for == WaitFor::reply) return kernel_.replied(fd, since);
    // A socket that sends to many at once is hardly ever without a datagram in the stack. Once it was, all leaders
    // sent before have departed.
    const std::uint64_t drained_key = flow_key(candidate.identity, {});
    auto drained = tables_.flows.find(drained_key, now);
    if (drained.flow.state == FlowState::confirmed && age(now, drained.flow.time) < since) return true;
    const int charged = kernel_.outq(fd);
    if (charged < 0) return true;
    if (charged > 0) return kernel_.corked(fd);
    if (drained.place != nullptr) FlowTable::replace(drained, drained_key, {FlowState::confirmed, 0, now});
    return true;
  }

  struct Waiting {
    bool begun = false;
    bool timed_out = false;
    std::uint64_t since = 0;   // us
    std::uint64_t paused = 0;  // us, all pauses: keeps the bound even if the clock was stopped
    std::uint64_t limit = 0;   // us

    [[nodiscard]] std::uint64_t elapsed(std::uint64_t now) const {
      const std::uint64_t by_clock = now - since;
      return by_clock > paused ? by_clock : paused;
    }
  };

  // Pauses for a moment, longer each time. False: this datagram has waited long enough.
  bool wait(int fd, WaitFor wait_for, std::uint32_t waited_before, Waiting& waiting) {
    constexpr std::uint64_t shortest = 50, longest = 1000;  // us
    const std::uint64_t now = kernel_.microseconds();
    if (!waiting.begun) {
      waiting.begun = true;
      waiting.since = now;
      waiting.limit = (settings_.max_wait - waited_before) * 1000ULL;
    }
    const std::uint64_t elapsed = waiting.elapsed(now);
    if (elapsed >= waiting.limit) return false;
    std::uint64_t pause = elapsed / 8;
    pause = pause < shortest ? shortest : pause > longest ? longest : pause;
    if (pause > waiting.limit - elapsed) pause = waiting.limit - elapsed;
    waiting.paused += pause;
    if (wait_for == WaitFor::reply) {
      kernel_.wait_readable(fd, pause);
    } else {
      kernel_.pause(pause);
    }
    return true;
  }

  void account(const Candidate& candidate, const Waiting& waiting) {
    const std::uint64_t us = waiting.elapsed(kernel_.microseconds());
    status_.held.fetch_add(1, std::memory_order_relaxed);
    status_.held_us.fetch_add(us, std::memory_order_relaxed);
    if (waiting.timed_out) status_.timed_out.fetch_add(1, std::memory_order_relaxed);
    std::uint64_t longest = status_.longest_us.load(std::memory_order_relaxed);
    while (us > longest && !status_.longest_us.compare_exchange_weak(longest, us, std::memory_order_relaxed)) {
    }
    if (settings_.log) kernel_.held(candidate.destination, us, waiting.timed_out);
  }

  Kernel& kernel_;
  const Settings& settings_;
  Tables& tables_;
  Status& status_;
  std::atomic<std::uint32_t> next_identity_{1};
};

}  // namespace ctgate::shim

// SPDX-License-Identifier: GPL-2.0-or-later
#include "shim/resolver/transport.hh"

#include <poll.h>
#include <pthread.h>
#include <sys/random.h>
#include <time.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "shim/resolver/sockets.hh"

namespace ctgate::resolver {
namespace {

// Some server answered one of two questions only, see Exchange::timed_out(): glibc then asks that thread's servers one
// question at a time, until the program ends.
std::atomic<bool> one_at_a_time{false};

constexpr std::int64_t stream_patience = 30'000;  // milliseconds; libc has no limit of its own

std::int64_t now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return std::int64_t{time.tv_sec} * 1000 + time.tv_nsec / 1'000'000;
}

// Random numbers that nobody can guess. Where the kernel gives none (a sandbox), the time has to do: that they differ
// from each other is all that correctness asks.
void fill_randomly(std::uint16_t (&values)[2]) {
  if (getrandom(values, sizeof values, GRND_NONBLOCK) != static_cast<ssize_t>(sizeof values)) {
    timespec time{};
    clock_gettime(CLOCK_REALTIME, &time);
    values[0] = static_cast<std::uint16_t>(time.tv_nsec >> 3 ^ time.tv_sec);
    values[1] = static_cast<std::uint16_t>(~values[0]);
  }
  if (values[0] == values[1]) values[1] ^= 1;
}

// poll(2) as a cancellation point, as it is in libc's getaddrinfo(3). Everywhere else cancellation is off.
[[gnu::noinline]] int poll_cancellably(pollfd* files, nfds_t count, int milliseconds,
                                       const Cancellation& cancellation) {
  int result = 0;
  int error = 0;
  pthread_cleanup_push(cancellation.release, cancellation.what);
  pthread_setcancelstate(cancellation.state, nullptr);
  result = poll(files, count, milliseconds);
  error = errno;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
  pthread_cleanup_pop(0);
  errno = error;
  return result;
}

}  // namespace

bool must_ask_one_at_a_time() {
  return one_at_a_time.load(std::memory_order_relaxed);
}

Answers Transport::answers() const {
  const auto bytes = [this](Question question) {
    return exchange_.counts(question) ? Bytes{answers_[question].data, answers_[question].count} : Bytes{};
  };
  const Question first = exchange_.first();
  return {bytes(first), bytes(first == question_a ? question_aaaa : question_a)};
}

bool Transport::write_queries(const char* name) {
  std::uint16_t ids[2];
  fill_randomly(ids);
  query_sizes_[question_a] = write_query(name, type_a, ids[question_a], queries_[question_a]);
  query_sizes_[question_aaaa] = write_query(name, type_aaaa, ids[question_aaaa], queries_[question_aaaa]);
  return query_sizes_[question_a] != 0;
}

// __res_context_send(), and the judgement of __res_context_query().
Asked Transport::ask(const char* name) {
  if (!write_queries(name)) return {HostError::no_recovery, ResponseCode::no_error, false};
  ResponseCode first_code = ResponseCode::no_error;
  unsigned offset = 0;
  if (configuration_.rotate) {
    std::uint16_t random[2];
    fill_randomly(random);
    offset = random[0];
  }
  bool by_stream = false;
  got_somewhere_ = false;
  doubtful_ = false;
  socket_error_ = 0;
  stream_error_ = ETIMEDOUT;
  for (unsigned attempt = 0; attempt < configuration_.attempts && !by_stream; ++attempt) {
    for (unsigned i = 0; i < configuration_.server_count; ++i) {
      const unsigned server = (i + offset) % configuration_.server_count;
      Next next = contact(server, by_stream);
      if (next == Next::use_stream) {
        by_stream = true;
        next = contact(server, by_stream);
      }
      if (is_fatal()) return {HostError::try_again, first_code, true};
      first_code = exchange_.first_code(first_code);
      if (next == Next::done) return {judge(answers()), first_code, false};
    }
  }
  const bool refused = by_stream ? stream_error_ == ECONNREFUSED : !got_somewhere_;
  return {HostError::try_again, first_code, refused};
}

// One exchange with one server.
Exchange::Next Transport::contact(unsigned server, bool by_stream) {
  by_stream_ = by_stream;
  stream_reset_ = false;
  Next next = run(server, false);
  // A server that was restarted resets connections; glibc tries once more.
  if (next == Next::next_server && stream_reset_ && !is_fatal()) next = run(server, false);
  if (next == Next::ask_again) {
    doubtful_ = true;
    one_at_a_time.store(true, std::memory_order_relaxed);
    next = run(server, true);
  }
  return next;
}

// Asks both questions, or `again` the one that is unanswered; each time from a new socket.
Exchange::Next Transport::run(unsigned server, bool again) {
  if (!again) {
    exchange_ = Exchange{doubtful_};
    drop_answers();
  }
  next_ = Next::wait;
  failed_ = false;
  sent_size_ = received_size_ = 0;
  if (!open_channel(server)) {
    close_channel();
    return Next::next_server;
  }
  const std::int64_t patience = by_stream_ ? stream_patience : std::int64_t{configuration_.patience(server)} * 1000;
  const std::int64_t deadline = now() + patience;
  if (again) {
    send(exchange_.missing());
  } else {
    send(question_a);
    if (!failed_) send(question_aaaa);
  }
  const Next next = poll_until(deadline);
  close_channel();
  return next;
}

Exchange::Next Transport::poll_until(std::int64_t deadline) {
  while (next_ == Next::wait && !failed_ && !is_fatal()) {
    const std::int64_t left = deadline - now();
    if (left > 0 && process(static_cast<int>(left))) continue;
    if (failed_) break;
    if (left > 0) continue;  // interrupted
    const Next next = by_stream_ ? Next::next_server : exchange_.timed_out();
    if (next == Next::next_server) {
      got_somewhere_ = true;
      stream_error_ = ETIMEDOUT;
    }
    return next;
  }
  return failed_ || is_fatal() ? Next::next_server : next_;
}

// Waits and lets c-ares work once. False: nothing happened.
bool Transport::process(int milliseconds) {
  ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
  pollfd files[ARES_GETSOCK_MAXNUM] = {};
  const int mask = ares_getsock(channel_, sockets, ARES_GETSOCK_MAXNUM);
  nfds_t count = 0;
  for (int i = 0; i < ARES_GETSOCK_MAXNUM; ++i) {
    const auto bits = static_cast<unsigned>(mask);
    const bool reads = ARES_GETSOCK_READABLE(bits, i) != 0;
    const bool writes = ARES_GETSOCK_WRITABLE(bits, i) != 0;
    if (!reads && !writes) continue;
    files[count].fd = sockets[i];
    files[count].events = static_cast<short>((reads ? POLLIN : 0) | (writes ? POLLOUT : 0));
    ++count;
  }
  if (count == 0) {  // c-ares gave up
    failed_ = true;
    return false;
  }
  const int ready = poll_cancellably(files, count, milliseconds, cancellation_);
  if (ready <= 0) {
    failed_ = ready < 0 && errno != EINTR;
    return false;
  }
  for (nfds_t i = 0; i < count; ++i) {
    const short events = files[i].revents;
    if (events == 0) continue;
    const bool bad = (events & (POLLERR | POLLHUP | POLLNVAL)) != 0;
    const ares_socket_t file = files[i].fd;
    ares_process_fd(channel_, (events & POLLIN) != 0 || bad ? file : ARES_SOCKET_BAD,
                    (events & POLLOUT) != 0 ? file : ARES_SOCKET_BAD);
    // An error that nobody read; it would not go away.
    if (bad && (events & (POLLIN | POLLOUT)) == 0 && next_ == Next::wait) failed_ = true;
  }
  return true;
}

// Everything is given, so that what c-ares reads of resolv.conf and the environment has no effect.
bool Transport::open_channel(unsigned server) {
  const HostAddress& address = configuration_.servers[server];
  const std::uint16_t port = configuration_.ports[server];
  char lookups[] = "b";
  in_addr placeholder{};
  ares_options options{};
  options.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | (by_stream_ ? ARES_FLAG_USEVC : 0);
  options.timeout = 24 * 60 * 60 * 1000;  // poll_until() knows when
  options.tries = 1;
  options.ndots = 1;
  options.servers = &placeholder;
  options.nservers = 1;
  options.lookups = lookups;
  constexpr int given = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_NDOTS | ARES_OPT_SERVERS |
                        ARES_OPT_DOMAINS | ARES_OPT_LOOKUPS | ARES_OPT_SORTLIST | ARES_OPT_NOROTATE;
  ares_addr_port_node node{};
  node.family = address.family;
  std::memcpy(&node.addr, address.bytes, address.size());
  node.udp_port = port;
  node.tcp_port = port;
  if (ares_init_options(&channel_, &options, given) != ARES_SUCCESS) {
    channel_ = nullptr;
    out_of_memory_ = true;
    return false;
  }
  ares_set_socket_functions(channel_, &socket_functions, this);
  if (ares_set_servers_ports(channel_, &node) != ARES_SUCCESS) out_of_memory_ = true;
  return !out_of_memory_;
}

void Transport::close_channel() {
  if (channel_ != nullptr) ares_destroy(channel_);
  channel_ = nullptr;
}

void Transport::send(Question question) {
  const auto callback = [](void* transport, int status, int /*timeouts*/, unsigned char* /*bytes*/, int /*size*/) {
    static_cast<Transport*>(transport)->gave_up(status);
  };
  ares_send(channel_, queries_[question], static_cast<int>(query_sizes_[question]), callback, this);
}

// c-ares ends a question only because of its socket: it gets no answer to see.
void Transport::gave_up(int status) {
  if (next_ != Next::wait || status == ARES_ECANCELLED || status == ARES_EDESTRUCTION) return;
  if (status == ARES_ENOMEM) out_of_memory_ = true;
  failed_ = true;
}

// Since 1.25 c-ares gives questions ids of its own.
void Transport::sent(Bytes query) {
  for (const Question question : {question_a, question_aaaa}) {
    std::uint8_t* own = queries_[question];
    const bool same =
        query.size() == query_sizes_[question] && std::memcmp(query.data() + 2, own + 2, query.size() - 2) == 0;
    if (same) std::memcpy(own, query.data(), 2);
  }
}

void Transport::sent_by_stream(Bytes bytes) {
  const std::size_t room = sizeof sent_ - sent_size_;
  const std::size_t size = bytes.size() < room ? bytes.size() : room;
  std::memcpy(sent_ + sent_size_, bytes.data(), size);
  sent_size_ += size;
  const Bytes all{sent_, sent_size_};
  for (std::size_t at = 0; at + 2 <= all.size();) {
    const std::size_t length = read_16(all, at);
    if (at + 2 + length > all.size()) break;
    sent(all.subspan(at + 2, length));
    at += 2 + length;
  }
}

// A datagram, or a message of a stream, where glibc looks at nothing but the id. Both have a header.
void Transport::take(Bytes message) {
  Header header;
  if (!read_header(message, header)) return;
  for (const Question question : {question_a, question_aaaa}) {
    const Bytes query{queries_[question], query_sizes_[question]};
    const bool belongs = by_stream_ ? header.id == read_16(query, 0) : answers_query(message, query);
    if (!belongs || exchange_.arrived(question)) continue;
    next_ = exchange_.answered(question, header, by_stream_);
    if (!exchange_.counts(question)) return;
    answers_[question].clear();
    if (!answers_[question].append(message.data(), message.size())) out_of_memory_ = true;
    return;
  }
}

void Transport::take_from_stream() {
  const Bytes all{received_, received_size_};
  std::size_t at = 0;
  while (next_ == Next::wait && at + 2 <= all.size()) {
    const std::size_t length = read_16(all, at);
    if (at + 2 + length > all.size()) break;
    if (length < header_size) {  // this ends the exchange with this server, as libc has it
      failed_ = true;
      break;
    }
    take(all.subspan(at + 2, length));
    at += 2 + length;
  }
  received_size_ -= at;
  std::memmove(received_, received_ + at, received_size_);
}

void Transport::drop_answers() {
  for (auto& answer : answers_) answer.clear();
}

void Transport::shut() {
  close_channel();
  drop_answers();
}

}  // namespace ctgate::resolver

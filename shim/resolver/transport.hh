// SPDX-License-Identifier: GPL-2.0-or-later
// Questions to name servers by c-ares: a channel for each exchange with one server, and poll(2). c-ares makes the
// sockets, connects them, sends the questions and says when a socket is of no use; which server is asked, how long, how
// often, which answer belongs to which question and what counts is decided here and in exchange.hh, as glibc decides
// it. c-ares never sees an answer: since 1.25 it parses all of a message, and drops or fails what libc reads on from.
//
// c-ares sends with send(2) through this library's symbol table, so that libctgate.so's gate sees each datagram: the
// question for AAAA waits there until that for A has left.
#pragma once

#include <ares.h>

#include "shim/resolver/configuration.hh"
#include "shim/resolver/exchange.hh"

namespace ctgate::resolver {

// What to do when the thread is cancelled in poll(2), the only place where it can be.
struct Cancellation {
  int state = 0;                     // the caller's, of pthread_setcancelstate(3)
  void (*release)(void*) = nullptr;  // frees all that the call holds
  void* what = nullptr;
};

// Whether a server of this process answered only one of two questions: pairs are libc's from then on, which
// single-request in RES_OPTIONS has ask one at a time.
[[nodiscard]] bool must_ask_one_at_a_time();

class Transport {
 public:
  // All of it zero or as given; shut() may be called at any time and any number of times.
  Transport(const Configuration& configuration, const Cancellation& cancellation)
      : configuration_(configuration), cancellation_(cancellation) {}

  // Asks the servers for `name`, both questions. The answers stay until the next call.
  Asked ask(const char* name);
  [[nodiscard]] Answers answers() const;

  void shut();

  [[nodiscard]] bool out_of_memory() const { return out_of_memory_; }
  [[nodiscard]] int socket_error() const { return socket_error_; }  // errno: no socket to be had in the last ask()
  [[nodiscard]] std::uint32_t datagrams() const { return datagrams_; }
  [[nodiscard]] std::uint32_t streams() const { return streams_; }

 private:
  friend struct SocketFunctions;

  using Next = Exchange::Next;

  bool write_queries(const char* name);
  bool is_fatal() const { return out_of_memory_ || socket_error_ != 0; }
  Next contact(unsigned server, bool by_stream);
  Next run(unsigned server, bool again);
  Next poll_until(std::int64_t deadline);
  bool open_channel(unsigned server);
  void close_channel();
  void send(Question question);
  bool process(int milliseconds);
  void gave_up(int status);
  void sent(Bytes query);
  void sent_by_stream(Bytes bytes);
  void take(Bytes message);
  void take_from_stream();
  void drop_answers();

  const Configuration& configuration_;
  const Cancellation& cancellation_;
  ares_channel channel_ = nullptr;
  Exchange exchange_;
  Next next_ = Next::wait;
  bool by_stream_ = false;
  bool failed_ = false;         // the socket did
  bool stream_reset_ = false;   // by the server
  bool got_somewhere_ = false;  // a server answered, or was waited for in vain
  bool doubtful_ = false;       // see Exchange
  bool out_of_memory_ = false;
  int socket_error_ = 0;
  int stream_error_ = 0;
  std::uint32_t datagrams_ = 0;
  std::uint32_t streams_ = 0;
  List<std::uint8_t> answers_[2];
  std::size_t query_sizes_[2] = {};
  std::uint8_t queries_[2][longest_query] = {};  // with the ids that were sent
  // By TCP: what was sent, both questions at most, and what was received and is no whole message yet; each message
  // behind its length (RFC 1035, 4.2.2). By UDP: room for a datagram.
  std::size_t sent_size_ = 0;
  std::size_t received_size_ = 0;
  std::uint8_t sent_[2 * (2 + longest_query)];
  std::uint8_t received_[2 + 65535];
};

}  // namespace ctgate::resolver

// SPDX-License-Identifier: GPL-2.0-or-later
// A socket to one name server: the questions that are sent on it, and the messages that come back. Which server is
// asked, for how long and how often, and which message answers which question, is decided in transport.hh and
// exchange.hh by glibc's rules.
//
// This is the only place that uses c-ares, and the socket is all it is used for. c-ares
//   - makes the socket and connects it to the server, by UDP or TCP;
//   - sends the questions, and over TCP the rest of them when the socket takes no more for the moment;
//   - says when the socket is of no further use.
// c-ares never sees an answer. Since 1.25 it parses all of a message before it looks whose answer it is, and its parser
// refuses messages that libc reads; where libc takes the answer, c-ares would fail or wait for another one. Since 1.25
// it also gives the questions ids of its own, so what leaves is our copy of them, not c-ares'. Its choice of servers,
// retries, timeouts, search list and sorting differ from libc's too.
//
// The datagrams go through the gate of libctgate.so because send(2) is its hook in this library as in any other: the
// question for AAAA waits there until the one for A has left.
#pragma once

#include <sys/socket.h>

#include <chrono>

#include "shim/resolver/configuration.hh"
#include "shim/resolver/message.hh"

struct ares_channeldata;

namespace ctgate::resolver {

// What to do when the thread is cancelled in poll(2), the only place where it can be.
struct Cancellation {
  int state = 0;                     // the caller's, from pthread_setcancelstate(3)
  void (*release)(void*) = nullptr;  // frees everything that the call holds
  void* what = nullptr;
};

class Channel {
 public:
  enum class Event : std::uint8_t {
    message,    // a datagram, or a message from a stream, of any length
    timed_out,  // the patience given to open() is over
    refused,    // ECONNREFUSED
    reset,      // the server reset the connection
    failed,     // the socket is of no use for another reason, such as the end of a stream
    no_socket,  // none was to be had: socket_error()
    no_memory,
  };

  explicit Channel(const Cancellation& cancellation) : cancellation_(cancellation) {}

  // A new socket. Whatever fails here or in send() is told by receive().
  void open(const NameServer& server, bool by_stream, std::chrono::milliseconds patience);

  // At most two questions on each socket.
  void send(Bytes query);

  // Waits for the next message, which stays until the next call.
  [[nodiscard]] Event receive(Bytes& message);

  // At any time and any number of times.
  void close();

  [[nodiscard]] int socket_error() const { return socket_error_; }          // errno of the last open()
  [[nodiscard]] std::uint32_t datagrams() const { return datagrams_; }      // sent on all sockets
  [[nodiscard]] std::uint32_t connections() const { return connections_; }  // by TCP, begun

 private:
  static constexpr std::size_t length_size = 2;  // before each message of a stream (RFC 1035, 4.2.2)

  bool start_ares(const NameServer& server);
  void wait(int milliseconds);
  void gave_up(int status);
  [[nodiscard]] std::size_t waiting_message() const;

  // c-ares' socket functions. As system calls: -1 and errno.
  int make_socket(int family, int type, int protocol);
  int connect_socket(int fd, const sockaddr* name, socklen_t length);
  ssize_t read_socket(int fd);
  ssize_t write_socket(int fd, std::size_t size);

  const Cancellation& cancellation_;
  ares_channeldata* ares_ = nullptr;
  bool by_stream_ = false;
  bool failed_ = false;
  Event failure_ = Event::failed;  // how, if it did
  int socket_error_ = 0;
  std::uint32_t datagrams_ = 0;
  std::uint32_t connections_ = 0;
  std::int64_t deadline_ = 0;  // milliseconds of CLOCK_MONOTONIC

  // Messages, each after its length; datagrams too, of which the length isn't sent.
  std::size_t queued_ = 0;    // of `outgoing_`
  std::size_t sent_ = 0;      // of those
  std::size_t received_ = 0;  // of `incoming_`
  std::size_t taken_ = 0;     // of those: the message that receive() gave
  std::uint8_t outgoing_[2 * (length_size + longest_query)];
  std::uint8_t incoming_[length_size + 65535];
};

}  // namespace ctgate::resolver

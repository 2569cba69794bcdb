// SPDX-License-Identifier: GPL-2.0-or-later
// A socket to one name server: the questions that are sent on it, and the messages that come back. Which server is
// asked, for how long and how often, and which message answers which question, is decided in transport.hh and
// exchange.hh by glibc's rules.
//
// This is the only place that uses c-ares, and the socket is all it is used for. c-ares
//   - creates the socket and connects it to the server, by UDP or TCP;
//   - sends the questions, by TCP with their lengths and in pieces if need be;
//   - says when the socket is no longer usable.
// It never sees an answer: since 1.25 it parses all of a message before it looks which question it belongs to, and its
// parser refuses messages that libc reads. Also since 1.25 it replaces the ids of questions, so the bytes sent are our
// copy of them, not c-ares'. The rest of c-ares (timeouts, retries, other servers, search list, sorting) is not used
// because libc does all that differently.
//
// Datagrams pass the gate of libctgate.so because this library, like any other, calls its hook of send(2): the question
// for AAAA waits there until the one for A has departed.
#pragma once

#include <sys/socket.h>

#include <chrono>

#include "shim/resolver/configuration.hh"
#include "shim/resolver/message.hh"

struct ares_channeldata;

namespace ctgate::resolver {

// What to do when the thread is cancelled in poll(2), the only place where that can happen.
struct Cancellation {
  int state = 0;                     // the caller's, from pthread_setcancelstate(3)
  void (*release)(void*) = nullptr;  // frees everything that the call holds
  void* what = nullptr;
};

class Channel {
 public:
  enum class Event : std::uint8_t {
    message,    // a datagram, or a message from a stream, of any length
    timed_out,  // the time given to open() has run out
    refused,    // ECONNREFUSED
    reset,      // the server reset the connection
    failed,     // the socket is unusable for another reason, such as the end of a stream
    no_socket,  // socket(2) failed: socket_error()
    no_memory,
  };

  explicit Channel(const Cancellation& cancellation) : cancellation_(cancellation) {}

  // Before the first open(); any thread, any number of times. False: c-ares could not start.
  [[nodiscard]] static bool start_library();

  // A new connection; the previous one is closed. receive() reports what goes wrong here and in send().
  void open(const NameServer& server, bool by_stream, std::chrono::milliseconds limit);

  // At most two questions on each connection.
  void send(Bytes query);

  // Waits for the next message, which stays valid until the next call.
  [[nodiscard]] Event receive(Bytes& message);

  // May be called at any time and any number of times.
  void close();

  [[nodiscard]] int socket_error() const { return socket_error_; }          // since the last open()
  [[nodiscard]] std::uint32_t datagrams() const { return datagrams_; }      // sent, on all connections
  [[nodiscard]] std::uint32_t connections() const { return connections_; }  // begun by TCP

 private:
  static constexpr std::size_t length_size = 2;  // before each message of a stream (RFC 1035, 4.2.2)

  bool start_ares(const NameServer& server);
  void wait(int milliseconds);
  void gave_up(int status);
  [[nodiscard]] std::size_t waiting_message() const;

  // The socket functions for c-ares. Like system calls, they return -1 and set errno.
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

  // Messages, each after its length. Datagrams too, although they are sent without it.
  std::size_t queued_ = 0;    // bytes of `outgoing_`
  std::size_t sent_ = 0;      // of those, bytes already sent
  std::size_t received_ = 0;  // bytes of `incoming_`
  std::size_t taken_ = 0;     // of those, bytes of the message that receive() returned last
  std::uint8_t outgoing_[2 * (length_size + longest_query)];
  std::uint8_t incoming_[length_size + 65535];
};

}  // namespace ctgate::resolver

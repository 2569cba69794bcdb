// SPDX-License-Identifier: GPL-2.0-or-later
// Asks the name servers for one name: which server, by UDP or TCP, how long and how often, and which answer belongs to
// which question. The rules are those of glibc's __res_context_send() (resolv/res_send.c); what counts within one
// exchange is decided by exchange.hh.
#pragma once

#include "shim/resolver/channel.hh"
#include "shim/resolver/configuration.hh"
#include "shim/resolver/exchange.hh"
#include "shim/resolver/list.hh"

namespace ctgate::resolver {

// Whether a server has answered this process only one of two questions. Pairs are left to libc from then on, and
// single-request in RES_OPTIONS makes libc ask one question at a time.
[[nodiscard]] bool must_ask_one_at_a_time();
void ask_one_at_a_time_from_now_on();

// Two random numbers that nobody can guess and that differ: ids of questions.
struct Ids {
  std::uint16_t values[2];
};
[[nodiscard]] Ids make_ids();

// `Wire` is Channel, or what stands in for it in a test.
template <typename Wire>
class Transport {
 public:
  // Both must outlive it.
  Transport(const Configuration& configuration, Wire& wire) : configuration_(configuration), wire_(wire) {}

  // Asks the servers for the addresses of `name`, A and AAAA. The answers stay until the next call or drop_answers().
  Asked ask(const char* name) {
    if (out_of_memory_ || !write_queries(name)) return {HostError::no_recovery, ResponseCode::no_error, false};
    ResponseCode first_code = ResponseCode::no_error;
    const unsigned offset = configuration_.rotate ? make_ids().values[0] : 0;
    by_stream_ = false;
    got_somewhere_ = false;
    doubtful_ = false;
    for (unsigned attempt = 0; attempt < configuration_.attempts && !by_stream_; ++attempt) {
      for (unsigned i = 0; i < configuration_.server_count; ++i) {
        const unsigned server = (i + offset) % configuration_.server_count;
        Next next = contact(server);
        if (next == Next::use_stream) {
          by_stream_ = true;
          next = contact(server);
        }
        if (is_fatal()) return {HostError::try_again, first_code, true};
        first_code = exchange_.first_code(first_code);
        if (next == Next::done) return {judge(answers()), first_code, false};
      }
    }
    const bool refused = by_stream_ ? ended_ == Event::refused : !got_somewhere_;
    return {HostError::try_again, first_code, refused};
  }

  [[nodiscard]] Answers answers() const {
    const Question first = exchange_.first();
    return {answer_to(first), answer_to(first == question_a ? question_aaaa : question_a)};
  }

  void drop_answers() {
    for (auto& answer : answers_) answer.clear();
  }

  [[nodiscard]] bool out_of_memory() const { return out_of_memory_; }

 private:
  using Event = Channel::Event;
  using Next = Exchange::Next;

  static constexpr std::chrono::seconds stream_limit{30};  // libc has no limit

  bool write_queries(const char* name) {
    const Ids ids = make_ids();
    for (const Question question : {question_a, question_aaaa}) {
      const RecordType type = question == question_a ? type_a : type_aaaa;
      query_sizes_[question] = write_query(name, type, ids.values[question], queries_[question]);
    }
    return query_sizes_[question_a] != 0;
  }

  [[nodiscard]] Bytes query(Question question) const { return {queries_[question], query_sizes_[question]}; }

  [[nodiscard]] Bytes answer_to(Question question) const {
    return exchange_.counts(question) ? Bytes{answers_[question].data, answers_[question].count} : Bytes{};
  }

  [[nodiscard]] bool is_fatal() const { return out_of_memory_ || ended_ == Event::no_socket; }

  // One exchange with one server.
  Next contact(unsigned server) {
    Next next = ask_both(server);
    // A server that has been restarted resets connections; glibc tries once more.
    if (ended_ == Event::reset) next = ask_both(server);
    if (next == Next::ask_again) {
      doubtful_ = true;
      ask_one_at_a_time_from_now_on();
      next = ask_unanswered(server);
    }
    return next;
  }

  Next ask_both(unsigned server) {
    exchange_ = Exchange{doubtful_};
    drop_answers();
    return ask_unanswered(server);
  }

  // Each time from a new socket.
  Next ask_unanswered(unsigned server) {
    const std::chrono::seconds limit{configuration_.timeout_of(server)};
    wire_.open(configuration_.servers[server], by_stream_, by_stream_ ? stream_limit : limit);
    for (const Question question : {question_a, question_aaaa}) {
      if (!exchange_.arrived(question)) wire_.send(query(question));
    }
    Next next = Next::wait;
    while (next == Next::wait) next = receive();
    wire_.close();
    return next;
  }

  Next receive() {
    Bytes message;
    ended_ = wire_.receive(message);
    if (ended_ == Event::message) return take(message);
    if (ended_ == Event::no_memory) out_of_memory_ = true;
    if (ended_ != Event::timed_out) return Next::next_server;
    const Next next = by_stream_ ? Next::next_server : exchange_.timed_out();
    if (next == Next::next_server) got_somewhere_ = true;
    return next;
  }

  // Of a message from a stream, glibc looks at nothing but the id.
  Next take(Bytes message) {
    if (!message.empty()) got_somewhere_ = true;
    Header header;
    if (!read_header(message, header)) return Next::next_server;  // as glibc does
    for (const Question question : {question_a, question_aaaa}) {
      const bool belongs =
          by_stream_ ? header.id == read_16(query(question), 0) : answers_query(message, query(question));
      if (!belongs || exchange_.arrived(question)) continue;
      const Next next = exchange_.answered(question, header, by_stream_);
      if (exchange_.counts(question)) store(question, message);
      return out_of_memory_ ? Next::next_server : next;
    }
    return Next::wait;
  }

  void store(Question question, Bytes message) {
    answers_[question].clear();
    if (!answers_[question].append(message.data(), message.size())) out_of_memory_ = true;
  }

  const Configuration& configuration_;
  Wire& wire_;
  Exchange exchange_;
  Event ended_ = Event::timed_out;  // the last exchange
  bool by_stream_ = false;
  bool got_somewhere_ = false;  // a server answered, or was waited for in vain
  bool doubtful_ = false;       // see Exchange
  bool out_of_memory_ = false;
  List<std::uint8_t> answers_[2];
  std::size_t query_sizes_[2] = {};
  std::uint8_t queries_[2][longest_query] = {};
};

}  // namespace ctgate::resolver

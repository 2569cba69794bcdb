// SPDX-License-Identifier: GPL-2.0-or-later
// One exchange with one name server: which of the answers to the pair of questions count, and what to do next. The
// rules are those of glibc's send_dg() and send_vc() (resolv/res_send.c). Pure.
#pragma once

#include <array>

#include "shim/resolver/message.hh"

namespace ctgate::resolver {

enum Question : unsigned { question_a = 0, question_aaaa = 1 };

class Exchange {
 public:
  enum class Next : std::uint8_t {
    wait,
    done,         // answers are in order()
    next_server,  // this one is of no use
    use_stream,   // an answer was truncated: both questions again, by TCP, to the same server
    ask_again,    // timeout with one answer: the other question once more, from a new socket
  };

  Exchange() = default;
  // `doubtful`: in this lookup a server has already answered only one of two questions.
  explicit Exchange(bool doubtful) : doubtful_(doubtful) {}

  // An answer to `question` that belongs to it (id, question and sender are right).
  Next answered(Question question, const Header& header, bool by_stream) {
    if (arrived_[question]) return Next::wait;
    const bool is_first = !arrived_[question_a] && !arrived_[question_aaaa];
    if (is_first) first_code_ = header.code;
    arrived_[question] = true;
    if (!by_stream) {
      // Of two errors the next server is asked; of one, the other answer is all there is.
      if (is_error(header)) return is_first ? Next::wait : finish();
      if (header.truncated) return Next::use_stream;
    }
    counts_[question] = true;
    if (is_first) first_ = question;
    const bool both = arrived_[question_a] && arrived_[question_aaaa];
    return both ? finish() : Next::wait;
  }

  // Some name servers answer only one of two questions from one port, and some firewalls let only one through. glibc
  // then asks for A alone first, so that A alone is an answer, and AAAA alone is none.
  Next timed_out() {
    const bool one = counts_[question_a] || counts_[question_aaaa];
    if (!one) return Next::next_server;
    const bool without_a = missing() == question_a;
    if (asked_again_) return without_a ? Next::next_server : Next::done;
    if (doubtful_ && without_a) return Next::next_server;
    asked_again_ = true;
    return Next::ask_again;
  }

  [[nodiscard]] Question missing() const { return arrived_[question_a] ? question_aaaa : question_a; }

  [[nodiscard]] bool arrived(Question question) const { return arrived_[question]; }
  // Whether the answer counts, and which came first: glibc takes them in this order.
  [[nodiscard]] bool counts(Question question) const { return counts_[question]; }
  [[nodiscard]] Question first() const { return first_; }

  // Of the first answer, also if that was an error: what decides how a search goes on. `otherwise` without one.
  [[nodiscard]] ResponseCode first_code(ResponseCode otherwise) const {
    return arrived_[question_a] || arrived_[question_aaaa] ? first_code_ : otherwise;
  }

 private:
  static bool is_error(const Header& header) {
    if (is_server_error(header.code)) return true;
    // From a server that neither knows nor asks.
    return header.code == ResponseCode::no_error && header.answers == 0 && !header.authoritative &&
           !header.recursion_available && header.additional == 0;
  }

  Next finish() const { return counts_[question_a] || counts_[question_aaaa] ? Next::done : Next::next_server; }

  std::array<bool, 2> arrived_{};
  std::array<bool, 2> counts_{};
  Question first_ = question_a;
  ResponseCode first_code_ = ResponseCode::no_error;
  bool asked_again_ = false;
  bool doubtful_ = false;
};

}  // namespace ctgate::resolver

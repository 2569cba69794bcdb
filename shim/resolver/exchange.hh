// SPDX-License-Identifier: GPL-2.0-or-later
// One exchange with one name server: which answers to the pair of questions count, and what to do next. The rules are
// those of glibc's send_dg() and send_vc() (resolv/res_send.c). Pure.
#pragma once

#include <array>

#include "shim/resolver/message.hh"

namespace ctgate::resolver {

enum Question : unsigned { question_a = 0, question_aaaa = 1 };

class Exchange {
 public:
  enum class Next : std::uint8_t {
    wait,
    done,         // at least one answer counts
    next_server,  // this one is no use
    use_stream,   // an answer was truncated: ask the same server both questions again, by TCP
    ask_again,    // timeout with one answer: ask the other question once more, from a new socket
  };

  Exchange() = default;
  // `doubtful`: earlier in this lookup a server answered only one of the two questions.
  explicit Exchange(bool doubtful) : doubtful_(doubtful) {}

  // An answer to `question` arrived: id, question and sender are right.
  Next answered(Question question, const Header& header, bool by_stream) {
    if (arrived_[question]) return Next::wait;
    const bool is_first = !arrived_[question_a] && !arrived_[question_aaaa];
    if (is_first) first_code_ = header.code;
    arrived_[question] = true;
    if (!by_stream) {
      // After two errors the next server is asked; after one, the other answer is all there is.
      if (is_error(header)) return is_first ? Next::wait : finish();
      if (header.truncated) return Next::use_stream;
    }
    counts_[question] = true;
    if (is_first) first_ = question;
    const bool both = arrived_[question_a] && arrived_[question_aaaa];
    return both ? finish() : Next::wait;
  }

  // Some name servers answer only one of two questions from the same port, and some firewalls let only one through.
  // glibc then asks for A first and waits for the answer, so A alone is good enough, and AAAA alone is not.
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
  // Whether the answer counts, and which one came first: glibc takes them in this order.
  [[nodiscard]] bool counts(Question question) const { return counts_[question]; }
  [[nodiscard]] Question first() const { return first_; }

  // That of the first answer, even if it was an error: it decides how a search goes on. Without one, `otherwise`.
  [[nodiscard]] ResponseCode first_code(ResponseCode otherwise) const {
    return arrived_[question_a] || arrived_[question_aaaa] ? first_code_ : otherwise;
  }

 private:
  static bool is_error(const Header& header) {
    if (is_server_error(header.code)) return true;
    // From a server that neither knows the answer nor asks others.
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

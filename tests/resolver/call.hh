// SPDX-License-Identifier: GPL-2.0-or-later
// getaddrinfo(3) calls and what came of them, as lines of text: the language between the tests and the program
// resolve_calls, which makes the calls. Fields are separated by tabs; texts are percent-encoded after "=", and a null
// pointer is "-".
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ctgate::test {

struct Hints {
  int family = 0;
  int socktype = 0;
  int protocol = 0;
  int flags = 0;
  bool operator==(const Hints&) const = default;
};

struct Call {
  std::optional<std::string> node;     // nothing: NULL
  std::optional<std::string> service;  // the same
  std::optional<Hints> hints;          // the same
  bool operator==(const Call&) const = default;

  [[nodiscard]] std::string to_line() const;
  [[nodiscard]] static std::optional<Call> from_line(std::string_view line);
  [[nodiscard]] std::string describe() const;  // for people: getaddrinfo("a", NULL, {AF_INET, SOCK_STREAM, 0, 0x1})
};

// One node of the list that getaddrinfo() gave.
struct Found {
  int flags = 0;
  int family = 0;
  int socktype = 0;
  int protocol = 0;
  std::string address;  // "192.0.2.1#80", "fe80::1%2#0": with the scope's number if it has one, and the port
  std::optional<std::string> canonical_name;
  bool operator==(const Found&) const = default;

  [[nodiscard]] std::string describe() const;
};

struct Outcome {
  int code = 0;                       // 0 or EAI_*
  int system_error = 0;               // errno with EAI_SYSTEM, else 0
  std::chrono::microseconds time{0};  // that the call took
  std::vector<Found> found;           // in order

  [[nodiscard]] std::string to_line() const;
  [[nodiscard]] static std::optional<Outcome> from_line(std::string_view line);
};

// What each line of the program's output says; throws std::runtime_error if one cannot be read.
[[nodiscard]] std::vector<Outcome> parse_outcomes(std::string_view text);

}  // namespace ctgate::test

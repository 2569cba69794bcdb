// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/resolver/trace.hh"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <stdexcept>

namespace ctgate::test {
namespace {

constexpr std::string_view port_of_dns = "in_port=htons(53)", port_of_dns6 = "in6_port=htons(53)";

template <typename Number>
Number number(std::string_view text) {
  Number value{};
  if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc()) {
    throw std::runtime_error("not a number in a trace: " + std::string(text));
  }
  return value;
}

// One finished system call: "poll([{fd=3, events=POLLIN}], 1, 5000) = 0 (Timeout) <5.005111>".
struct Traced {
  double time = 0;
  std::string text;

  [[nodiscard]] std::string_view name() const { return std::string_view(text).substr(0, text.find('(')); }
  // Behind the last " = "; nothing where the process ended in the middle of it.
  [[nodiscard]] std::optional<long> result() const {
    const auto at = text.rfind(" = ");
    if (at == std::string::npos || text[at + 3] == '?') return std::nullopt;
    return number<long>(std::string_view(text).substr(at + 3));
  }
  [[nodiscard]] double duration() const {
    const auto at = text.rfind('<');
    return at == std::string::npos ? 0 : number<double>(std::string_view(text).substr(at + 1));
  }
  [[nodiscard]] long first_argument() const { return number<long>(std::string_view(text).substr(name().size() + 1)); }
  [[nodiscard]] bool names_dns() const {
    return text.find(port_of_dns) != std::string::npos || text.find(port_of_dns6) != std::string::npos;
  }
};

// Joins "poll(... <unfinished ...>" with what the same thread wrote later: "<... poll resumed>) = 1 <0.1>".
class Joiner {
 public:
  // A line without its end; a call where one is finished.
  std::optional<Traced> take(std::string_view line) {
    const auto process_end = line.find(' ');
    if (process_end == std::string_view::npos) return std::nullopt;
    const auto process = number<long>(line);
    line.remove_prefix(std::min(line.find_first_not_of(' ', process_end), line.size()));
    const auto time_end = line.find(' ');
    if (time_end == std::string_view::npos) return std::nullopt;
    Traced call{number<double>(line), std::string(line.substr(time_end + 1))};
    if (call.text.starts_with("+++") || call.text.starts_with("---")) return std::nullopt;  // an end, a signal
    constexpr std::string_view unfinished = " <unfinished ...>", resumed = " resumed>";
    if (call.text.ends_with(unfinished)) {
      call.text.resize(call.text.size() - unfinished.size());
      open_[process] = std::move(call);
      return std::nullopt;
    }
    if (!call.text.starts_with("<... ")) return call;
    const auto at = call.text.find(resumed);
    auto begun = open_.extract(process);
    if (at == std::string::npos || begun.empty()) return std::nullopt;
    begun.mapped().text += call.text.substr(at + resumed.size());
    return std::move(begun.mapped());
  }

 private:
  std::map<long, Traced> open_;  // by thread
};

// Which descriptors are UDP sockets that are connected to a name server. Descriptors are not told apart by process:
// one process of each traced program resolves.
class Reader {
 public:
  void read(const Traced& call) {
    const auto name = call.name();
    if (name == "socket") {
      open(call);
    } else if (name == "connect") {
      connect(call);
    } else if (name == "sendto" || name == "sendmsg" || name == "sendmmsg") {
      send(call, name == "sendmmsg");
    } else if (name == "poll" || name == "ppoll" || name == "select" || name == "pselect6") {
      trace_.longest_wait = std::max(trace_.longest_wait, call.duration());
    }
  }
  Trace finish() && { return std::move(trace_); }

 private:
  struct Socket {
    std::size_t flow = 0;
    bool to_dns = false;
  };
  void open(const Traced& call) {
    const auto fd = call.result();
    if (!fd || *fd < 0) return;
    sockets_.erase(*fd);
    if (call.text.find("SOCK_DGRAM") != std::string::npos) sockets_[*fd] = {++flows_, false};
  }
  void connect(const Traced& call) {
    const auto socket = sockets_.find(call.first_argument());
    if (socket != sockets_.end()) socket->second = {++flows_, call.names_dns()};
  }
  void send(const Traced& call, bool many) {
    const auto socket = sockets_.find(call.first_argument());
    const auto result = call.result();
    if (socket == sockets_.end() || !result || *result <= 0) return;
    if (!socket->second.to_dns && !call.names_dns()) return;
    for (long i = 0; i < (many ? *result : 1); ++i) trace_.questions.push_back({call.time, socket->second.flow});
  }

  Trace trace_;
  std::map<long, Socket> sockets_;  // those for datagrams
  std::size_t flows_ = 0;
};

}  // namespace

double Trace::least_distance() const {
  double least = -1;
  std::map<std::size_t, double> last;
  for (const auto& one : questions) {
    const auto before = last.find(one.flow);
    if (before != last.end() && (least < 0 || one.time - before->second < least)) least = one.time - before->second;
    last[one.flow] = one.time;
  }
  return least;
}

Trace parse_trace(std::string_view text) {
  Joiner joiner;
  Reader reader;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (const auto call = joiner.take(line)) reader.read(*call);
  }
  return std::move(reader).finish();
}

}  // namespace ctgate::test

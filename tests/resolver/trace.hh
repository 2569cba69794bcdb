// SPDX-License-Identifier: GPL-2.0-or-later
// What a program did with the network, read from what strace(1) wrote with -f -ttt -T. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ctgate::test {

// A call of sendmmsg(2) that sends two counts as two at one time.
struct TracedDatagram {
  double time = 0;       // seconds, when the call began
  std::size_t flow = 0;  // the socket and its connect(2): those of one flow have one number
};

struct Trace {
  std::vector<TracedDatagram> questions;  // datagrams that were sent to port 53, in order
  double longest_wait = 0;                // seconds, of the calls that wait (poll, ppoll, select, pselect6)

  // The shortest time between two questions of one flow; a negative number where no flow had two.
  [[nodiscard]] double least_distance() const;
};

// System calls for strace's -e trace=.
inline constexpr char traced_calls[] = "%network,poll,ppoll,select,pselect6";

// Throws std::runtime_error if a line is not understood.
[[nodiscard]] Trace parse_trace(std::string_view text);

}  // namespace ctgate::test

// SPDX-License-Identifier: GPL-2.0-or-later
// What the benchmarks share. Each one compares variants within one run, in turn, and prints medians and ratios:
// absolute figures say little on a busy machine.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "daemon/lab/daemon.hh"
#include "daemon/lab/endpoint.hh"
#include "daemon/lab/namespace.hh"
#include "daemon/lab/topology.hh"
#include "policy/base/file_descriptor.hh"

namespace ctgate::bench {

template <typename T>
T must(Expected<T>&& result) {
  if (!result) throw std::runtime_error(result.error().message);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

// Quantile of the values; `fraction` 0.5 for the median, 0.99 for the 99th percentile.
[[nodiscard]] double quantile(std::vector<double> values, double fraction = 0.5);

// A connected UDP socket inside `where`; `source_port` 0: the kernel chooses one, and may choose one of an earlier
// flow.
[[nodiscard]] FileDescriptor udp_sender(const lab::NetworkNamespace& where, const Endpoint& destination,
                                        std::uint16_t source_port = 0);

// Datagrams that the server's interface has received so far.
[[nodiscard]] std::uint64_t received_datagrams(const lab::Topology& topology);

// Runs `body` in a sandbox; the program's exit code. `--quick` on the command line makes `quick` true.
int run(int argc, char** argv, const std::function<void(bool quick)>& body);

}  // namespace ctgate::bench

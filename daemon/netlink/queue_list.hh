// SPDX-License-Identifier: GPL-2.0-or-later
// The queues of a network namespace as /proc shows them (seq_show() in net/netfilter/nfnetlink_queue.c).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "daemon/gate/engine.hh"
#include "policy/base/error.hh"
#include "policy/base/file_descriptor.hh"

namespace ctgate::netlink {

struct QueueLine {
  std::uint16_t number = 0;
  std::uint32_t port_id = 0;  // netlink port of the socket that bound it
  std::uint32_t waiting = 0;  // datagrams
  std::uint32_t last_id = 0;  // that was given to a datagram
};

// The file, open. Its mode is 0440, root's, so it is opened before privileges are given up; reading it takes none.
class QueueList {
 public:
  // Of the network namespace of the calling thread.
  [[nodiscard]] static Expected<QueueList> open();
  // False: the kernel has no queues (nfnetlink_queue is not loaded), so nobody has one.
  [[nodiscard]] static bool exists();
  [[nodiscard]] int fd() const { return file_.get(); }

 private:
  explicit QueueList(FileDescriptor file) : file_(std::move(file)) {}
  FileDescriptor file_;
};

// Reads the whole file behind `fd`, wherever its offset is; 2 to 4 us. Replaces the contents of `lines`. False: it
// could not be read.
[[nodiscard]] bool read_queue_list(int fd, std::vector<QueueLine>& lines);

// All but the queues `first` to `last`.
class ForeignQueues final : public QueueView {
 public:
  // `fd`: of a QueueList, which the caller owns; negative: nothing can be read.
  ForeignQueues(int fd, std::uint16_t first, std::uint16_t last) : fd_(fd), first_(first), last_(last) {}
  [[nodiscard]] std::optional<std::span<const ForeignQueue>> read() override;

 private:
  int fd_;
  std::uint16_t first_, last_;
  std::vector<QueueLine> lines_;
  std::vector<ForeignQueue> queues_;
};

}  // namespace ctgate::netlink

// SPDX-License-Identifier: GPL-2.0-or-later
// What is known about a file descriptor without asking the kernel: the reason why a send on a confirmed flow, and a
// write to a file, cost next to nothing. Lock-free, and safe wherever the flow table is.
//
// Neither close(2) nor dup2(2) is watched, so an entry may be about an earlier file of the same number. Therefore
// `pass` and the identity hold for `freshness` only, socket(2) resets the entry, and the worst that a stale one does is
// let a datagram pass ungated, or ask the kernel once more.
//
// An entry that says UDP is what lets a call without an address (send, write, ...) be looked at at all. Others go
// straight through: a sandboxed program's seccomp filter may kill it for a getsockopt(2) that it would never make.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace ctgate::shim {

enum class SocketKind : std::uint8_t { unknown = 0, other = 1, udp = 2 };

struct SocketEntry {
  SocketKind kind = SocketKind::unknown;
  bool corked = false;         // MSG_MORE was sent, so the next datagram is not a new one
  std::uint32_t identity = 0;  // of the socket, not of the descriptor; 29 bits, 0: none
  std::uint32_t known_at = 0;  // ms, when the kernel was asked
};

class DescriptorTable {
 public:
  static constexpr int size = 8192;              // descriptors from here on have no entry
  static constexpr std::uint32_t freshness = 8;  // ms; the clock's tick is up to 10 ms long

  // Whether the datagram needs no further check: the last thing learned about this destination, `freshness` ago at
  // most, was that it passes. The hot path; `clock.tick()` is in milliseconds.
  template <typename Clock>
  [[nodiscard]] bool passes(int fd, std::uint32_t fingerprint, const Clock& clock) const {
    if (!has(fd)) return false;
    const std::uint64_t word = entries_[fd].pass.load(std::memory_order_relaxed);
    return word >> 32U == fingerprint && clock.tick() - static_cast<std::uint32_t>(word) < freshness;
  }
  void set_pass(int fd, std::uint32_t fingerprint, std::uint32_t now) {
    if (has(fd))
      entries_[fd].pass.store(static_cast<std::uint64_t>(fingerprint) << 32U | now, std::memory_order_relaxed);
  }

  [[nodiscard]] SocketKind kind(int fd) const {
    return has(fd) ? static_cast<SocketKind>(entries_[fd].socket.load(std::memory_order_relaxed) >> 62U)
                   : SocketKind::unknown;
  }
  [[nodiscard]] SocketEntry load(int fd) const {
    if (!has(fd)) return {};
    const std::uint64_t word = entries_[fd].socket.load(std::memory_order_relaxed);
    return {static_cast<SocketKind>(word >> 62U), (word >> 61U & 1U) != 0,
            static_cast<std::uint32_t>(word >> 32U) & identity_mask, static_cast<std::uint32_t>(word)};
  }
  void store(int fd, const SocketEntry& entry) {
    if (!has(fd)) return;
    const std::uint64_t head = static_cast<std::uint64_t>(entry.kind) << 62U |
                               static_cast<std::uint64_t>(entry.corked) << 61U |
                               static_cast<std::uint64_t>(entry.identity & identity_mask) << 32U;
    entries_[fd].socket.store(head | entry.known_at, std::memory_order_relaxed);
  }
  // socket(2) gave this descriptor.
  void reset(int fd, SocketKind kind) {
    if (!has(fd)) return;
    entries_[fd].pass.store(0, std::memory_order_relaxed);
    store(fd, {kind, false, 0, 0});
  }

  static constexpr std::uint32_t identity_mask = 0x1fffffffU;

 private:
  struct Entry {
    std::atomic<std::uint64_t> socket;  // kind, corked, identity, known_at
    std::atomic<std::uint64_t> pass;    // fingerprint, time
  };
  static bool has(int fd) { return static_cast<unsigned>(fd) < static_cast<unsigned>(size); }
  Entry entries_[size];
};

}  // namespace ctgate::shim

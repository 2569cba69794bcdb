// SPDX-License-Identifier: GPL-2.0-or-later
// One NFQUEUE: binding, reading datagrams, writing verdicts. net/netfilter/nfnetlink_queue.c
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "daemon/gate/engine.hh"
#include "daemon/netlink/batch_reader.hh"
#include "daemon/netlink/socket.hh"

namespace ctgate::netlink {

enum class QueueNumber : std::uint16_t {};

// Bytes of one packet message, for BatchReader: the copied part of the datagram and all attributes, about 350.
inline constexpr std::size_t packet_message_space = 1024;

struct QueueSettings {
  // Datagrams that may wait in the kernel. Beyond that the kernel accepts them itself (NFQA_CFG_F_FAIL_OPEN).
  std::uint32_t length = 16384;
  std::size_t receive_buffer = 16U << 20;  // bytes
};

// The socket lives as long as any process holds it; when the last one closes it the kernel drops what is queued.
class Queue {
 public:
  // Binds the number in the network namespace of the calling thread. A taken number gives an error that names the
  // process that has it.
  [[nodiscard]] static Expected<Queue> bind(QueueNumber number, const QueueSettings& settings);

  [[nodiscard]] int fd() const { return socket_.fd(); }
  [[nodiscard]] QueueNumber number() const { return number_; }
  [[nodiscard]] std::size_t receive_buffer() const { return receive_buffer_; }

  // Changes QueueSettings::length. Asks for no answer: a worker may be reading the socket.
  void set_length(std::uint32_t length) const;

  // Lets the kernel accept whatever comes from now on. To be called before the last read and the close, which drops
  // what is queued: every datagram that is queued was queued before this call returned.
  void stop_queueing() const { set_length(0); }

  // Appends what is waiting to `packets`, at most one batch of `reader`, without blocking; and to `vanished` the ids of
  // single verdicts for which there was no datagram any more.
  BatchReader::Status read(BatchReader& reader, std::vector<QueuedPacket>& packets,
                           std::vector<PacketId>& vanished) const;

  // Accepts what a process that is gone had read and will give no verdict for. `last_read`: the last id it is known to
  // have read; what it read after it noted that is found through the next unread message, or the kernel's own count.
  void accept_read(PacketId last_read) const;

  // Accepts everything that was queued so far, read or not, and discards the unread messages.
  void accept_all(PacketId last_read) const;

 private:
  friend class VerdictWriter;
  Queue(Socket socket, QueueNumber number) : socket_(std::move(socket)), number_(number) {}
  [[nodiscard]] std::optional<PacketId> next_unread() const;
  void accept_up_to(PacketId id) const;

  Socket socket_;
  QueueNumber number_;
  std::size_t receive_buffer_ = 0;
};

// Writes verdicts with as few system calls as possible: many messages in one flat buffer and one sendmsg(2).
class VerdictWriter final : public VerdictSink {
 public:
  // Borrows the queue.
  explicit VerdictWriter(const Queue& queue);
  void write(const VerdictPlan& plan) override;

 private:
  void append(std::uint16_t type, PacketId id);
  void flush();

  const Queue& queue_;
  std::vector<std::byte> buffer_;
  std::size_t used_ = 0;
};

}  // namespace ctgate::netlink

// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/netlink/queue.hh"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <sched.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "daemon/netlink/queue_owner.hh"
#include "daemon/netlink/udp_header.hh"

extern "C" {
#include <libnetfilter_queue/libnetfilter_queue.h>
}

namespace ctgate::netlink {
namespace {

constexpr std::size_t verdict_space = 32768;  // bytes: some 1000 verdicts in one system call
constexpr std::uint32_t copy_range = 128;     // bytes: IP header with room for extension headers, and the UDP header

nlmsghdr* start_message(char* buffer, std::uint16_t type, QueueNumber number) {
  auto* header = nfq_nlmsg_put(buffer, type, static_cast<std::uint32_t>(number));
  header->nlmsg_flags |= NLM_F_ACK;
  header->nlmsg_seq = 1;
  return header;
}

// One message: between a bound queue and its configuration the kernel would drop what comes, in spite of `bypass`
// (nfqnl_enqueue_packet, NFQNL_COPY_NONE).
Expected<void> bind_and_configure(const Socket& socket, QueueNumber number, const QueueSettings& settings) {
  alignas(nlmsghdr) std::array<char, 512> buffer{};
  auto* header = start_message(buffer.data(), NFQNL_MSG_CONFIG, number);
  nfq_nlmsg_cfg_put_cmd(header, AF_UNSPEC, NFQNL_CFG_CMD_BIND);
  nfq_nlmsg_cfg_put_params(header, NFQNL_COPY_PACKET, copy_range);
  nfq_nlmsg_cfg_put_qmaxlen(header, settings.length);
  // All flags in one pair: of two pairs the kernel keeps the last. GSO: take large datagrams whole.
  mnl_attr_put_u32(header, NFQA_CFG_FLAGS, htonl(NFQA_CFG_F_GSO | NFQA_CFG_F_FAIL_OPEN));
  mnl_attr_put_u32(header, NFQA_CFG_MASK, htonl(NFQA_CFG_F_GSO | NFQA_CFG_F_FAIL_OPEN));
  auto bound = socket.request(*header, fmt::format("bind queue {}", static_cast<unsigned>(number)));
  if (bound) return {};
  // The kernel answers EPERM both to a process without CAP_NET_ADMIN and for a number that another socket has bound.
  const auto owner = find_queue_owner(static_cast<std::uint16_t>(number));
  if (!owner) return bound;
  return queue_taken(static_cast<std::uint16_t>(number), *owner);
}

// Attributes are walked with bounds checks and values copied out. Empty: not a message about a packet.
std::optional<QueuedPacket> parse_packet(const nlmsghdr& message) {
  struct Attributes {
    const nlattr* header = nullptr;
    const nlattr* payload = nullptr;
  } found;
  const auto collect = [](const nlattr* attribute, void* data) {
    auto& attributes = *static_cast<Attributes*>(data);
    if (mnl_attr_get_type(attribute) == NFQA_PACKET_HDR) attributes.header = attribute;
    if (mnl_attr_get_type(attribute) == NFQA_PAYLOAD) attributes.payload = attribute;
    return MNL_CB_OK;
  };
  if (message.nlmsg_type != ((NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_PACKET)) return std::nullopt;
  mnl_attr_parse(&message, sizeof(nfgenmsg), collect, &found);
  if (found.header == nullptr || mnl_attr_get_payload_len(found.header) < sizeof(nfqnl_msg_packet_hdr)) {
    return std::nullopt;
  }
  nfqnl_msg_packet_hdr header{};
  std::memcpy(&header, mnl_attr_get_payload(found.header), sizeof header);
  QueuedPacket packet{PacketId{ntohl(header.packet_id)}, std::nullopt};
  if (found.payload != nullptr) {
    packet.flow = parse_udp_flow(
        {static_cast<const std::byte*>(mnl_attr_get_payload(found.payload)), mnl_attr_get_payload_len(found.payload)});
  }
  return packet;
}

// The kernel answers to a verdict for a datagram that it does not have (nfqnl_recv_verdict(), ENOENT), although no
// acknowledgement is asked for (netlink_rcv_skb()). See VerdictWriter::append() for the number.
std::optional<PacketId> parse_refusal(const nlmsghdr& message) {
  if (message.nlmsg_type != NLMSG_ERROR || mnl_nlmsg_get_payload_len(&message) < sizeof(nlmsgerr)) return std::nullopt;
  nlmsgerr refusal{};
  std::memcpy(&refusal, mnl_nlmsg_get_payload(&message), sizeof refusal);
  if (refusal.error != -ENOENT || refusal.msg.nlmsg_type != ((NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_VERDICT)) {
    return std::nullopt;
  }
  return PacketId{refusal.msg.nlmsg_seq};
}

}  // namespace

Expected<Queue> Queue::bind(QueueNumber number, const QueueSettings& settings) {
  auto socket = Socket::open();
  if (!socket) return tl::unexpected(socket.error());
  const std::size_t receive_buffer = socket->set_receive_buffer(settings.receive_buffer);
  if (auto bound = bind_and_configure(*socket, number, settings); !bound) return tl::unexpected(bound.error());
  Queue queue(std::move(*socket), number);
  queue.receive_buffer_ = receive_buffer;
  // Where rules were there before, datagrams may have come in front of the acknowledgement, and were passed over.
  if (const auto last = last_queued_id(static_cast<std::uint16_t>(number)); last && *last > 0) {
    queue.accept_read(PacketId{*last});
  }
  return queue;
}

void Queue::set_length(std::uint32_t length) const {
  alignas(nlmsghdr) std::array<char, 512> buffer{};
  auto* header = nfq_nlmsg_put(buffer.data(), NFQNL_MSG_CONFIG, static_cast<std::uint32_t>(number_));
  nfq_nlmsg_cfg_put_qmaxlen(header, length);
  (void)socket_.send(std::as_bytes(std::span(buffer.data(), header->nlmsg_len)), "set the length of a queue");
}

BatchReader::Status Queue::read(BatchReader& reader, std::vector<QueuedPacket>& packets,
                                std::vector<PacketId>& vanished) const {
  return reader.read(fd(), [&](const nlmsghdr& message) {
    if (const auto packet = parse_packet(message)) packets.push_back(*packet);
    if (const auto id = parse_refusal(message)) vanished.push_back(*id);
  });
}

std::optional<PacketId> Queue::next_unread() const {
  alignas(nlmsghdr) std::array<char, packet_message_space> buffer;
  while (true) {
    const auto received = recv(fd(), buffer.data(), buffer.size(), MSG_PEEK | MSG_DONTWAIT);
    if (received < 0 && (errno == EINTR || errno == ENOBUFS)) continue;
    const auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data());
    if (received < 0 || !mnl_nlmsg_ok(message, static_cast<int>(received))) return std::nullopt;
    if (const auto packet = parse_packet(*message)) return packet->id;
    (void)recv(fd(), buffer.data(), buffer.size(), MSG_DONTWAIT);  // an answer to an old verdict
  }
}

void Queue::accept_up_to(PacketId id) const {
  VerdictPlan plan;
  plan.accept_up_to = id;
  VerdictWriter(*this).write(plan);
}

void Queue::accept_read(PacketId last_read) const {
  if (const auto unread = next_unread()) return accept_up_to(PacketId{unread->value - 1});
  // A datagram that is queued between the two looks is accepted too, and its verdict later finds nothing: harmless.
  const auto count = last_queued_id(static_cast<std::uint16_t>(number_));
  accept_up_to(count ? PacketId{*count} : last_read);
}

void Queue::accept_all(PacketId last_read) const {
  BatchReader reader(packet_message_space);
  std::vector<QueuedPacket> unread;
  std::vector<PacketId> vanished;
  while (read(reader, unread, vanished) != BatchReader::Status::drained) {
  }
  if (!unread.empty()) last_read = unread.back().id;
  accept_up_to(last_read);
  accept_read(last_read);
}

VerdictWriter::VerdictWriter(const Queue& queue) : queue_(queue), buffer_(verdict_space) {}

void VerdictWriter::write(const VerdictPlan& plan) {
  for (const PacketId id : plan.accept_first) append(NFQNL_MSG_VERDICT, id);
  if (plan.accept_up_to) append(NFQNL_MSG_VERDICT_BATCH, *plan.accept_up_to);
  for (const PacketId id : plan.accept) append(NFQNL_MSG_VERDICT, id);
  flush();
}

void VerdictWriter::append(std::uint16_t type, PacketId id) {
  constexpr std::size_t largest_verdict = 64;
  if (buffer_.size() - used_ < largest_verdict) flush();
  // No acknowledgement is asked for: the kernel answers only to verdicts for datagrams that are gone (ENOENT).
  auto* header =
      nfq_nlmsg_put(reinterpret_cast<char*>(buffer_.data() + used_), type, static_cast<std::uint32_t>(queue_.number()));
  header->nlmsg_seq = id.value;  // comes back with the kernel's answer
  nfq_nlmsg_verdict_put(header, static_cast<int>(id.value), NF_ACCEPT);
  used_ += NLMSG_ALIGN(header->nlmsg_len);
}

void VerdictWriter::flush() {
  if (used_ == 0) return;
  // It fails only if there is no memory. What would stay queued after the last try goes with the next batch verdict,
  // with the replacement of the worker, or with the stop.
  constexpr int tries = 100;
  for (int i = 0; i < tries && !queue_.socket_.send({buffer_.data(), used_}, "write verdicts"); ++i) sched_yield();
  used_ = 0;
}

}  // namespace ctgate::netlink

// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/lab/consumer.hh"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "daemon/netlink/udp_header.hh"

extern "C" {
#include <libnetfilter_queue/libnetfilter_queue.h>
}

namespace ctgate::lab {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t receive_buffer = 16U << 20;  // bytes
constexpr std::uint32_t queue_length = 65536;      // packets
constexpr std::uint32_t copy_range = 128;          // bytes: the headers
constexpr std::size_t message_buffer = 1U << 16;   // bytes

using MessageBuffer = std::array<char, 256>;

Expected<void> configure(const netlink::Socket& socket, std::uint16_t queue) {
  const int on = 1;
  ::setsockopt(socket.fd(), SOL_NETLINK, NETLINK_NO_ENOBUFS, &on, sizeof(on));
  socket.set_receive_buffer(receive_buffer);

  alignas(nlmsghdr) MessageBuffer buffer{};
  auto* bind = nfq_nlmsg_put(buffer.data(), NFQNL_MSG_CONFIG, queue);
  bind->nlmsg_flags |= NLM_F_ACK;
  nfq_nlmsg_cfg_put_cmd(bind, AF_UNSPEC, NFQNL_CFG_CMD_BIND);
  auto bound = socket.request(*bind, fmt::format("bind NFQUEUE number {} for the third party", queue));
  if (!bound) return bound;
  auto* set = nfq_nlmsg_put(buffer.data(), NFQNL_MSG_CONFIG, queue);
  set->nlmsg_flags |= NLM_F_ACK;
  nfq_nlmsg_cfg_put_params(set, NFQNL_COPY_PACKET, copy_range);
  nfq_nlmsg_cfg_put_qmaxlen(set, queue_length);
  return socket.request(*set, fmt::format("configure NFQUEUE number {}", queue));
}

FlowKey reversed(const FlowKey& flow) {
  return {flow.destination, flow.source, flow.destination_port, flow.source_port};
}

struct QueuedPacket {
  std::uint32_t id = 0;
  std::optional<FlowKey> flow;
};

int read_attribute(const nlattr* attribute, void* data) {
  auto& packet = *static_cast<QueuedPacket*>(data);
  if (mnl_attr_get_type(attribute) == NFQA_PACKET_HDR) {
    packet.id = ntohl(static_cast<const nfqnl_msg_packet_hdr*>(mnl_attr_get_payload(attribute))->packet_id);
  } else if (mnl_attr_get_type(attribute) == NFQA_PAYLOAD) {
    packet.flow = netlink::parse_udp_flow(
        {static_cast<const std::byte*>(mnl_attr_get_payload(attribute)), mnl_attr_get_payload_len(attribute)});
  }
  return MNL_CB_OK;
}

}  // namespace

// The thread's own state.
class DelayingConsumer::Worker {
 public:
  explicit Worker(DelayingConsumer& owner) : owner_(owner), buffer_(message_buffer) {}

  void run() {
    while (!stop_requested()) {
      read_queue();
      give_verdicts(Clock::now());
    }
    give_verdicts(Clock::time_point::max());
  }

 private:
  struct Held {
    std::uint32_t id;
    std::uint32_t verdict;
  };

  // Sleeps until something is to be read, the next verdict is due, or the end.
  bool stop_requested() {
    std::array<pollfd, 2> wait{pollfd{owner_.socket_.fd(), POLLIN, 0}, pollfd{owner_.stop_.get(), POLLIN, 0}};
    timespec timeout{};
    if (!held_.empty()) {
      const auto left = std::max(Clock::duration::zero(), held_.begin()->first - Clock::now());
      const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
      timeout.tv_sec = seconds.count();
      timeout.tv_nsec = std::chrono::nanoseconds(left - seconds).count();
    }
    ::ppoll(wait.data(), wait.size(), held_.empty() ? nullptr : &timeout, nullptr);
    return wait[1].revents != 0;
  }

  void read_queue() {
    const int fd = owner_.socket_.fd();
    for (;;) {
      const auto size = ::recv(fd, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
      if (size <= 0) return;  // EAGAIN; NETLINK_NO_ENOBUFS keeps overruns away
      int left = static_cast<int>(size);
      for (const auto* message = reinterpret_cast<const nlmsghdr*>(buffer_.data()); mnl_nlmsg_ok(message, left);
           message = mnl_nlmsg_next(message, &left)) {
        if (NFNL_MSG_TYPE(message->nlmsg_type) == NFQNL_MSG_PACKET && message->nlmsg_type >= NLMSG_MIN_TYPE) {
          take(message);
        }
      }
    }
  }

  void take(const nlmsghdr* message) {
    QueuedPacket packet;
    mnl_attr_parse(message, sizeof(nfgenmsg), read_attribute, &packet);
    ++owner_.packets_seen_;
    held_.insert({due(packet), {packet.id, verdict_for(packet)}});
  }

  Clock::time_point due(const QueuedPacket& packet) {
    const auto now = Clock::now();
    const auto soon = now + owner_.options_.delay;
    if (!packet.flow || packet.flow->destination_port != owner_.options_.prompt_port) return soon;
    const auto decided = decisions_.try_emplace(*packet.flow, now + owner_.options_.prompt).first->second;
    return std::max(soon, decided);
  }

  std::uint32_t verdict_for(const QueuedPacket& packet) {
    if (owner_.options_.policy == VerdictPolicy::accept_all || !packet.flow) return NF_ACCEPT;
    if (known_flows_.contains(reversed(*packet.flow))) return NF_ACCEPT;  // an answer
    if (!known_flows_.insert(*packet.flow).second) return NF_ACCEPT;
    ++owner_.packets_dropped_;
    return NF_DROP;
  }

  void give_verdicts(Clock::time_point now) {
    for (auto next = held_.begin(); next != held_.end() && next->first <= now; next = held_.erase(next)) {
      alignas(nlmsghdr) MessageBuffer buffer{};
      auto* header = nfq_nlmsg_put(buffer.data(), NFQNL_MSG_VERDICT, owner_.options_.queue);
      nfq_nlmsg_verdict_put(header, static_cast<int>(next->second.id), static_cast<int>(next->second.verdict));
      ::send(owner_.socket_.fd(), header, header->nlmsg_len, 0);  // a packet that is gone is no matter
    }
  }

  DelayingConsumer& owner_;
  std::vector<char> buffer_;
  std::multimap<Clock::time_point, Held> held_;  // by when their verdicts are due
  std::set<FlowKey> known_flows_;
  std::map<FlowKey, Clock::time_point> decisions_;
};

DelayingConsumer::DelayingConsumer(netlink::Socket socket, FileDescriptor stop, const ConsumerOptions& options)
    : socket_(std::move(socket)), stop_(std::move(stop)), options_(options), thread_([this] { Worker(*this).run(); }) {}

DelayingConsumer::~DelayingConsumer() {
  ::eventfd_write(stop_.get(), 1);
  thread_.join();
}

Expected<std::unique_ptr<DelayingConsumer>> DelayingConsumer::start(const NetworkNamespace& where,
                                                                    const ConsumerOptions& options) {
  auto socket = where.run([] { return netlink::Socket::open(); });
  if (!socket) return tl::unexpected(socket.error());
  FileDescriptor stop(::eventfd(0, EFD_CLOEXEC));
  if (!stop) return errno_error("eventfd", errno);
  if (auto configured = configure(*socket, options.queue); !configured) {
    return tl::unexpected(configured.error());
  }
  return std::unique_ptr<DelayingConsumer>(new DelayingConsumer(std::move(*socket), std::move(stop), options));
}

}  // namespace ctgate::lab

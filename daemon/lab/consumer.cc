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
#include <deque>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "daemon/netlink/udp_header.hh"

namespace ctgate::lab {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t receive_buffer = 16U << 20;  // bytes
constexpr std::uint32_t queue_length = 65536;      // packets
constexpr std::uint32_t copy_range = 128;          // bytes: the headers
constexpr std::size_t message_buffer = 1U << 16;   // bytes

nlmsghdr* put_header(void* buffer, int type, std::uint16_t flags, std::uint16_t queue) {
  auto* header = mnl_nlmsg_put_header(buffer);
  header->nlmsg_type = static_cast<std::uint16_t>((NFNL_SUBSYS_QUEUE << 8) | type);
  header->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  auto* generic = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(header, sizeof(nfgenmsg)));
  generic->nfgen_family = AF_UNSPEC;
  generic->version = NFNETLINK_V0;
  generic->res_id = htons(queue);
  return header;
}

Expected<void> configure(const netlink::Socket& socket, std::uint16_t queue) {
  const int on = 1;
  ::setsockopt(socket.fd(), SOL_NETLINK, NETLINK_NO_ENOBUFS, &on, sizeof(on));
  socket.set_receive_buffer(receive_buffer);

  alignas(nlmsghdr) std::array<char, 256> buffer{};
  auto* bind = put_header(buffer.data(), NFQNL_MSG_CONFIG, NLM_F_ACK, queue);
  const nfqnl_msg_config_cmd command{NFQNL_CFG_CMD_BIND, 0, htons(AF_UNSPEC)};
  mnl_attr_put(bind, NFQA_CFG_CMD, sizeof(command), &command);
  auto bound = socket.request(*bind, fmt::format("bind NFQUEUE number {} for the third party", queue));
  if (!bound) return bound;
  buffer.fill(0);
  auto* set = put_header(buffer.data(), NFQNL_MSG_CONFIG, NLM_F_ACK, queue);
  const nfqnl_msg_config_params parameters{htonl(copy_range), NFQNL_COPY_PACKET};
  mnl_attr_put(set, NFQA_CFG_PARAMS, sizeof(parameters), &parameters);
  mnl_attr_put_u32(set, NFQA_CFG_QUEUE_MAXLEN, htonl(queue_length));
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
    Clock::time_point due;
  };

  // Sleeps until something is to be read, the next verdict is due, or the end.
  bool stop_requested() {
    std::array<pollfd, 2> wait{pollfd{owner_.socket_.fd(), POLLIN, 0}, pollfd{owner_.stop_.get(), POLLIN, 0}};
    timespec timeout{};
    if (!held_.empty()) {
      const auto left = std::max(Clock::duration::zero(), held_.front().due - Clock::now());
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
    held_.push_back({packet.id, verdict_for(packet), Clock::now() + owner_.options_.delay});
  }

  std::uint32_t verdict_for(const QueuedPacket& packet) {
    if (owner_.options_.policy == VerdictPolicy::accept_all || !packet.flow) return NF_ACCEPT;
    if (known_flows_.contains(reversed(*packet.flow))) return NF_ACCEPT;  // an answer
    if (!known_flows_.insert(*packet.flow).second) return NF_ACCEPT;
    ++owner_.packets_dropped_;
    return NF_DROP;
  }

  void give_verdicts(Clock::time_point now) {
    for (; !held_.empty() && held_.front().due <= now; held_.pop_front()) {
      std::array<char, 128> message{};
      auto* header = put_header(message.data(), NFQNL_MSG_VERDICT, 0, owner_.options_.queue);
      const nfqnl_msg_verdict_hdr verdict{htonl(held_.front().verdict), htonl(held_.front().id)};
      mnl_attr_put(header, NFQA_VERDICT_HDR, sizeof(verdict), &verdict);
      ::send(owner_.socket_.fd(), header, header->nlmsg_len, 0);  // a packet that is gone is no matter
    }
  }

  DelayingConsumer& owner_;
  std::vector<char> buffer_;
  std::deque<Held> held_;
  std::set<FlowKey> known_flows_;
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

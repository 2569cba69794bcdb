// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/netlink/conntrack.hh"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <span>

extern "C" {
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
}

namespace ctgate::netlink {
namespace {

constexpr std::size_t event_receive_buffer = 8U << 20;  // bytes

struct DestroyEntry {
  void operator()(nf_conntrack* entry) const { nfct_destroy(entry); }
};
using Entry = std::unique_ptr<nf_conntrack, DestroyEntry>;

struct DestroyFilter {
  void operator()(nfct_filter* filter) const { nfct_filter_destroy(filter); }
};

// The library's attribute names of one direction.
struct TupleAttributes {
  nf_conntrack_attr ipv4_source, ipv4_destination, ipv6_source, ipv6_destination, port_source, port_destination;
};
constexpr TupleAttributes original_tuple{ATTR_ORIG_IPV4_SRC, ATTR_ORIG_IPV4_DST, ATTR_ORIG_IPV6_SRC,
                                         ATTR_ORIG_IPV6_DST, ATTR_ORIG_PORT_SRC, ATTR_ORIG_PORT_DST};
constexpr TupleAttributes reply_tuple{ATTR_REPL_IPV4_SRC, ATTR_REPL_IPV4_DST, ATTR_REPL_IPV6_SRC,
                                      ATTR_REPL_IPV6_DST, ATTR_REPL_PORT_SRC, ATTR_REPL_PORT_DST};

Address address(Family family, const nf_conntrack* entry, nf_conntrack_attr attribute) {
  Address result;
  result.family = family;
  if (const void* raw = nfct_get_attr(entry, attribute)) {
    std::memcpy(result.bytes.data(), raw, family == Family::ipv4 ? 4 : 16);
  }
  return result;
}

FlowKey flow(Family family, const nf_conntrack* entry, const TupleAttributes& tuple) {
  const bool ipv4 = family == Family::ipv4;
  FlowKey key;
  key.source = address(family, entry, ipv4 ? tuple.ipv4_source : tuple.ipv6_source);
  key.destination = address(family, entry, ipv4 ? tuple.ipv4_destination : tuple.ipv6_destination);
  key.source_port = ntohs(nfct_get_attr_u16(entry, tuple.port_source));
  key.destination_port = ntohs(nfct_get_attr_u16(entry, tuple.port_destination));
  return key;
}

EntryState state(const nf_conntrack* entry) {
  return (nfct_get_attr_u32(entry, ATTR_STATUS) & IPS_SEEN_REPLY) != 0 ? EntryState::replied : EntryState::confirmed;
}

std::optional<ConntrackChange> parse_change(const nlmsghdr& message) {
  if (message.nlmsg_type != ((NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_NEW)) return std::nullopt;
  const Entry entry(nfct_new());
  if (!entry || nfct_nlmsg_parse(&message, entry.get()) != 0) return std::nullopt;
  const auto raw_family = nfct_get_attr_u8(entry.get(), ATTR_ORIG_L3PROTO);
  if (raw_family != AF_INET && raw_family != AF_INET6) return std::nullopt;
  if (nfct_get_attr_u8(entry.get(), ATTR_ORIG_L4PROTO) != IPPROTO_UDP) return std::nullopt;
  const Family family = raw_family == AF_INET ? Family::ipv4 : Family::ipv6;
  return ConntrackChange{flow(family, entry.get(), original_tuple), flow(family, entry.get(), reply_tuple),
                         state(entry.get())};
}

Expected<void> join(const Socket& socket, int group) {
  if (setsockopt(socket.fd(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) == 0) return {};
  return errno_error("subscribe to conntrack events (kernel module nf_conntrack_netlink)", errno);
}

}  // namespace

Expected<ConntrackEvents> ConntrackEvents::subscribe(Release release) {
  auto socket = Socket::open();
  if (!socket) return tl::unexpected(socket.error());
  socket->set_receive_buffer(event_receive_buffer);
  // The socket filter first: what was queued before it is there stays.
  const std::unique_ptr<nfct_filter, DestroyFilter> filter(nfct_filter_create());
  if (!filter) return errno_error("make a conntrack event filter", ENOMEM);
  nfct_filter_add_attr_u32(filter.get(), NFCT_FILTER_L4PROTO, IPPROTO_UDP);
  if (nfct_filter_attach(socket->fd(), filter.get()) != 0)
    return errno_error("attach the conntrack event filter", errno);
  if (auto joined = join(*socket, NFNLGRP_CONNTRACK_NEW); !joined) return tl::unexpected(joined.error());
  if (release == Release::replied) {
    if (auto joined = join(*socket, NFNLGRP_CONNTRACK_UPDATE); !joined) return tl::unexpected(joined.error());
  }
  return ConntrackEvents(std::move(*socket));
}

Expected<std::unique_ptr<Conntrack>> Conntrack::open(const ConntrackEvents& events) {
  auto lookups = Socket::open();
  if (!lookups) return tl::unexpected(lookups.error());
  return std::unique_ptr<Conntrack>(new Conntrack(events, std::move(*lookups)));
}

bool Conntrack::drain(const std::function<void(const ConntrackChange&)>& each) {
  // In a flood of new flows events may come as fast as they are read: then the rest waits for the next turn.
  constexpr int most_batches = 32;
  bool complete = true;
  for (int batch = 0; batch < most_batches; ++batch) {
    const auto status = reader_.read(events_.fd(), [&](const nlmsghdr& message) {
      if (const auto change = parse_change(message)) each(*change);
    });
    if (status == BatchReader::Status::drained) break;
    if (status == BatchReader::Status::overrun) complete = false;
  }
  return complete;
}

EntryState Conntrack::lookup(const FlowKey& key) {
  const bool ipv4 = key.family() == Family::ipv4;
  const Entry query(nfct_new());
  if (!query) return EntryState::none;
  nfct_set_attr_u8(query.get(), ATTR_ORIG_L3PROTO, ipv4 ? AF_INET : AF_INET6);
  nfct_set_attr_u8(query.get(), ATTR_ORIG_L4PROTO, IPPROTO_UDP);
  nfct_set_attr(query.get(), ipv4 ? ATTR_ORIG_IPV4_SRC : ATTR_ORIG_IPV6_SRC, key.source.bytes.data());
  nfct_set_attr(query.get(), ipv4 ? ATTR_ORIG_IPV4_DST : ATTR_ORIG_IPV6_DST, key.destination.bytes.data());
  nfct_set_attr_u16(query.get(), ATTR_ORIG_PORT_SRC, htons(key.source_port));
  nfct_set_attr_u16(query.get(), ATTR_ORIG_PORT_DST, htons(key.destination_port));

  alignas(nlmsghdr) std::array<char, 4096> buffer{};
  auto* header = mnl_nlmsg_put_header(buffer.data());
  header->nlmsg_type = (NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_GET;
  header->nlmsg_flags = NLM_F_REQUEST;
  header->nlmsg_seq = ++sequence_;
  auto* generic = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(header, sizeof(nfgenmsg)));
  generic->nfgen_family = ipv4 ? AF_INET : AF_INET6;
  generic->version = NFNETLINK_V0;
  if (nfct_nlmsg_build(header, query.get()) < 0) return EntryState::none;
  if (!lookups_.send(std::as_bytes(std::span(buffer.data(), header->nlmsg_len)), "look up a flow")) {
    return EntryState::none;
  }
  // ctnetlink answers inside the send, so the answer, the entry or an error (ENOENT), is here.
  while (true) {
    const auto received = recv(lookups_.fd(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (received < 0 && errno != EINTR && errno != ENOBUFS) return EntryState::none;
    const auto* answer = reinterpret_cast<const nlmsghdr*>(buffer.data());
    if (received < 0 || !mnl_nlmsg_ok(answer, static_cast<int>(received)) || answer->nlmsg_seq != sequence_) continue;
    if (answer->nlmsg_type == NLMSG_ERROR) return EntryState::none;
    const Entry entry(nfct_new());
    if (!entry || nfct_nlmsg_parse(answer, entry.get()) < 0) return EntryState::none;
    return state(entry.get());
  }
}

}  // namespace ctgate::netlink

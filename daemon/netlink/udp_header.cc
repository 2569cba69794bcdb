// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/netlink/udp_header.hh"

#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>

#include <cstring>

namespace ctgate::netlink {
namespace {

using Bytes = std::span<const std::byte>;

// Copies a header out: the bytes have no alignment that could be relied on.
template <typename T>
std::optional<T> read(Bytes bytes, std::size_t offset) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

template <typename T>
Address address(Family family, const T& raw) {
  Address result;
  result.family = family;
  std::memcpy(result.bytes.data(), &raw, sizeof raw);
  return result;
}

std::optional<FlowKey> with_ports(FlowKey flow, Bytes packet, std::size_t offset) {
  const auto udp = read<udphdr>(packet, offset);
  if (!udp || ntohs(udp->uh_ulen) < sizeof(udphdr)) return std::nullopt;
  flow.source_port = ntohs(udp->uh_sport);
  flow.destination_port = ntohs(udp->uh_dport);
  return flow;
}

std::optional<FlowKey> parse_ipv4(Bytes packet) {
  const auto header = read<iphdr>(packet, 0);
  if (!header || header->protocol != IPPROTO_UDP) return std::nullopt;
  const std::size_t length = std::size_t{header->ihl} * 4;
  const std::size_t total = ntohs(header->tot_len);
  if (length < sizeof(iphdr) || total < length + sizeof(udphdr)) return std::nullopt;
  if ((ntohs(header->frag_off) & IP_OFFMASK) != 0) return std::nullopt;
  FlowKey flow;
  flow.source = address(Family::ipv4, header->saddr);
  flow.destination = address(Family::ipv4, header->daddr);
  return with_ports(flow, packet, length);
}

// One extension header at `offset`: its length, and which header follows. Empty where UDP cannot follow.
struct Extension {
  std::size_t length;
  std::uint8_t next;
};

std::optional<Extension> read_extension(Bytes packet, std::size_t offset, std::uint8_t type) {
  const auto extension = read<ip6_ext>(packet, offset);
  if (!extension) return std::nullopt;
  switch (type) {
    case IPPROTO_HOPOPTS:
    case IPPROTO_ROUTING:
    case IPPROTO_DSTOPTS:
      return Extension{(std::size_t{extension->ip6e_len} + 1) * 8, extension->ip6e_nxt};
    case IPPROTO_AH:  // RFC 4302: in units of 4 bytes, less 2
      return Extension{(std::size_t{extension->ip6e_len} + 2) * 4, extension->ip6e_nxt};
    case IPPROTO_FRAGMENT: {
      const auto fragment = read<ip6_frag>(packet, offset);
      if (!fragment || (fragment->ip6f_offlg & IP6F_OFF_MASK) != 0) return std::nullopt;
      return Extension{sizeof(ip6_frag), fragment->ip6f_nxt};
    }
    default:
      return std::nullopt;
  }
}

std::optional<FlowKey> parse_ipv6(Bytes packet) {
  const auto header = read<ip6_hdr>(packet, 0);
  if (!header) return std::nullopt;
  std::size_t offset = sizeof(ip6_hdr);
  // Each extension is at least 8 bytes and must lie inside `packet`, so this ends.
  std::uint8_t type = header->ip6_nxt;
  while (type != IPPROTO_UDP) {
    const auto extension = read_extension(packet, offset, type);
    if (!extension) return std::nullopt;
    offset += extension->length;
    type = extension->next;
  }
  // A payload length of 0 is a jumbogram or a GSO datagram; its UDP header is judged by itself.
  const std::size_t payload = ntohs(header->ip6_plen);
  if (payload != 0 && sizeof(ip6_hdr) + payload < offset + sizeof(udphdr)) return std::nullopt;
  FlowKey flow;
  flow.source = address(Family::ipv6, header->ip6_src);
  flow.destination = address(Family::ipv6, header->ip6_dst);
  return with_ports(flow, packet, offset);
}

}  // namespace

std::optional<FlowKey> parse_udp_flow(Bytes packet) {
  if (packet.empty()) return std::nullopt;
  switch (std::to_integer<unsigned>(packet[0]) >> 4) {
    case 4:
      return parse_ipv4(packet);
    case 6:
      return parse_ipv6(packet);
    default:
      return std::nullopt;
  }
}

}  // namespace ctgate::netlink

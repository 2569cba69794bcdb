// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/lab/conntrack_stats.hh"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <span>
#include <vector>

#include "daemon/netlink/socket.hh"

namespace ctgate::lab {
namespace {

constexpr std::size_t dump_size = 32768;  // bytes; what libmnl calls MNL_SOCKET_DUMP_SIZE since 1.0.5

int add_attribute(const nlattr* attribute, void* data) {
  auto& stats = *static_cast<ConntrackStats*>(data);
  if (mnl_attr_validate(attribute, MNL_TYPE_U32) < 0) return MNL_CB_OK;
  if (mnl_attr_get_type(attribute) == CTA_STATS_CLASH_RESOLVE) {
    stats.clash_resolve += ntohl(mnl_attr_get_u32(attribute));
  } else if (mnl_attr_get_type(attribute) == CTA_STATS_INSERT_FAILED) {
    stats.insert_failed += ntohl(mnl_attr_get_u32(attribute));
  }
  return MNL_CB_OK;
}

int add_cpu(const nlmsghdr* message, void* data) {
  return mnl_attr_parse(message, sizeof(nfgenmsg), add_attribute, data);
}

}  // namespace

ConntrackStats operator-(const ConntrackStats& later, const ConntrackStats& earlier) {
  return {later.clash_resolve - earlier.clash_resolve, later.insert_failed - earlier.insert_failed};
}

Expected<ConntrackStats> read_conntrack_stats(const NetworkNamespace& where) {
  constexpr auto what = "read conntrack's statistics (needs the kernel's nf_conntrack_netlink)";
  const auto socket = where.run([] { return netlink::Socket::open(); });
  if (!socket) return tl::unexpected(socket.error());
  alignas(nlmsghdr) std::array<char, 256> request{};
  auto* header = mnl_nlmsg_put_header(request.data());
  header->nlmsg_type = (NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_GET_STATS_CPU;
  header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  header->nlmsg_seq = 1;
  auto* generic = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(header, sizeof(nfgenmsg)));
  generic->nfgen_family = AF_UNSPEC;
  generic->version = NFNETLINK_V0;
  if (auto sent = socket->send(std::as_bytes(std::span(request).first(header->nlmsg_len)), what); !sent) {
    return tl::unexpected(sent.error());
  }

  ConntrackStats stats;
  std::vector<char> buffer(dump_size);
  for (int more = MNL_CB_OK; more > MNL_CB_STOP;) {
    const auto size = ::recv(socket->fd(), buffer.data(), buffer.size(), 0);
    if (size < 0) return errno_error(what, errno);
    more = mnl_cb_run(buffer.data(), static_cast<std::size_t>(size), 1, 0, add_cpu, &stats);
    if (more < 0) return errno_error(what, errno);
  }
  return stats;
}

}  // namespace ctgate::lab

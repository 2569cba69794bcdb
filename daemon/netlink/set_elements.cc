// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/netlink/set_elements.hh"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <vector>

#include "daemon/netlink/socket.hh"

namespace ctgate::netlink {
namespace {

constexpr std::uint16_t message_type(int type) {
  return static_cast<std::uint16_t>((NFNL_SUBSYS_NFTABLES << 8) | type);
}

int count_element(const nlattr* attribute, void* data) {
  if (mnl_attr_get_type(attribute) == NFTA_LIST_ELEM) ++*static_cast<std::uint64_t*>(data);
  return MNL_CB_OK;
}

int visit_attribute(const nlattr* attribute, void* data) {
  if (mnl_attr_get_type(attribute) == NFTA_SET_ELEM_LIST_ELEMENTS) {
    mnl_attr_parse_nested(attribute, count_element, data);
  }
  return MNL_CB_OK;
}

int visit_message(const nlmsghdr* message, void* data) {
  if (message->nlmsg_type == message_type(NFT_MSG_NEWSETELEM)) {
    mnl_attr_parse(message, sizeof(nfgenmsg), visit_attribute, data);
  }
  return MNL_CB_OK;
}

}  // namespace

std::optional<std::uint64_t> count_set_elements(Family family, const std::string& table, const std::string& set) {
  const auto socket = Socket::open();
  if (!socket) return std::nullopt;
  std::vector<nlmsghdr> space(65536 / sizeof(nlmsghdr));  // aligned; the kernel fills up to 32 KB a message
  auto* buffer = reinterpret_cast<char*>(space.data());
  const std::size_t size = space.size() * sizeof(nlmsghdr);
  auto* request = mnl_nlmsg_put_header(buffer);
  request->nlmsg_type = message_type(NFT_MSG_GETSETELEM);
  request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request->nlmsg_seq = 1;
  auto* generic = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(request, sizeof(nfgenmsg)));
  generic->nfgen_family = family == Family::ipv4 ? NFPROTO_IPV4 : NFPROTO_IPV6;
  generic->version = NFNETLINK_V0;
  mnl_attr_put_strz(request, NFTA_SET_ELEM_LIST_TABLE, table.c_str());
  mnl_attr_put_strz(request, NFTA_SET_ELEM_LIST_SET, set.c_str());
  if (!socket->send(std::as_bytes(std::span(buffer, request->nlmsg_len)), "list a set")) return std::nullopt;
  std::uint64_t count = 0;
  while (true) {
    const auto received = recv(socket->fd(), buffer, size, 0);
    if (received < 0 && errno == EINTR) continue;
    if (received < 0) return std::nullopt;
    const int more =
        mnl_cb_run(buffer, static_cast<std::size_t>(received), 1, socket->port_id(), visit_message, &count);
    if (more == MNL_CB_STOP) return count;
    // Somebody changed rules meanwhile (NLM_F_DUMP_INTR): about right is good enough.
    if (more == MNL_CB_ERROR) return errno == EINTR ? std::optional(count) : std::nullopt;
  }
}

}  // namespace ctgate::netlink

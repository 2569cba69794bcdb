// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/netlink/ruleset_generation.hh"

#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "daemon/netlink/socket.hh"

namespace ctgate::netlink {
namespace {

constexpr std::uint16_t message_type(int type) {
  return static_cast<std::uint16_t>((NFNL_SUBSYS_NFTABLES << 8) | type);
}

int take_generation(const nlattr* attribute, void* data) {
  if (mnl_attr_get_type(attribute) == NFTA_GEN_ID && mnl_attr_validate(attribute, MNL_TYPE_U32) == 0) {
    *static_cast<std::optional<std::uint32_t>*>(data) = ntohl(mnl_attr_get_u32(attribute));
  }
  return MNL_CB_OK;
}

}  // namespace

std::optional<std::uint32_t> ruleset_generation() {
  const auto socket = Socket::open();
  if (!socket) return std::nullopt;
  alignas(nlmsghdr) std::array<char, 4096> buffer{};
  auto* request = mnl_nlmsg_put_header(buffer.data());
  request->nlmsg_type = message_type(NFT_MSG_GETGEN);
  request->nlmsg_flags = NLM_F_REQUEST;
  auto* generic = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(request, sizeof(nfgenmsg)));
  generic->version = NFNETLINK_V0;
  if (!socket->send(std::as_bytes(std::span(buffer.data(), request->nlmsg_len)),
                    "ask for the generation of the rules")) {
    return std::nullopt;
  }
  ssize_t size = -1;
  do {
    size = recv(socket->fd(), buffer.data(), buffer.size(), 0);
  } while (size < 0 && errno == EINTR);
  const auto* answer = reinterpret_cast<const nlmsghdr*>(buffer.data());
  std::optional<std::uint32_t> generation;
  if (size > 0 && mnl_nlmsg_ok(answer, static_cast<int>(size)) && answer->nlmsg_type == message_type(NFT_MSG_NEWGEN)) {
    mnl_attr_parse(answer, sizeof(nfgenmsg), take_generation, &generation);
  }
  return generation;
}

}  // namespace ctgate::netlink

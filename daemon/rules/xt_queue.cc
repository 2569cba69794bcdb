// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/rules/xt_queue.hh"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter/xt_NFQUEUE.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

extern "C" {
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/table.h>
}

namespace ctgate::rules {
namespace {

constexpr std::size_t message_space = 16384;  // bytes, for one small transaction and its answers
constexpr int target_revision = 3;            // the first with a flags word, which carries NFQ_FLAG_BYPASS

template <auto Function>
struct Free {
  template <typename T>
  void operator()(T* pointer) const {
    Function(pointer);
  }
};
using Table = std::unique_ptr<nftnl_table, Free<nftnl_table_free>>;
using Chain = std::unique_ptr<nftnl_chain, Free<nftnl_chain_free>>;
using RuleHandle = std::unique_ptr<nftnl_rule, Free<nftnl_rule_free>>;
using Socket = std::unique_ptr<mnl_socket, Free<mnl_socket_close>>;

std::uint8_t protocol_family(Family family) {
  return family == Family::ipv4 ? NFPROTO_IPV4 : NFPROTO_IPV6;
}

Expected<Socket> open_socket() {
  Socket socket(mnl_socket_open(NETLINK_NETFILTER));
  if (!socket) return errno_error("open a netfilter netlink socket", errno);
  if (mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0) {
    return errno_error("bind a netfilter netlink socket", errno);
  }
  return socket;
}

// Sends one flat run of messages and reads acknowledgements until the last one, or the first error.
Expected<void> transact(const void* data, std::size_t size, std::uint32_t last_sequence, std::string_view what) {
  auto socket = open_socket();
  if (!socket) return tl::unexpected(socket.error());
  if (mnl_socket_sendto(socket->get(), data, size) < 0) return errno_error(what, errno);
  std::vector<char> buffer(message_space);
  while (true) {
    const auto received = mnl_socket_recvfrom(socket->get(), buffer.data(), buffer.size());
    if (received < 0) return errno_error(what, errno);
    int remaining = static_cast<int>(received);
    for (const auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data()); mnl_nlmsg_ok(message, remaining);
         message = mnl_nlmsg_next(message, &remaining)) {
      if (message->nlmsg_type == NLMSG_ERROR) {
        const auto* error = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(message));
        if (error->error != 0) return errno_error(what, -error->error);
      }
      if (message->nlmsg_seq == last_sequence) return {};
    }
  }
}

RuleHandle queue_rule(std::uint8_t family, const std::string& table, const std::string& chain, std::uint16_t queue) {
  RuleHandle rule(nftnl_rule_alloc());
  nftnl_rule_set_u32(rule.get(), NFTNL_RULE_FAMILY, family);
  nftnl_rule_set_str(rule.get(), NFTNL_RULE_TABLE, table.c_str());
  nftnl_rule_set_str(rule.get(), NFTNL_RULE_CHAIN, chain.c_str());

  nftnl_expr* target = nftnl_expr_alloc("target");
  nftnl_expr_set_str(target, NFTNL_EXPR_TG_NAME, "NFQUEUE");
  nftnl_expr_set_u32(target, NFTNL_EXPR_TG_REV, target_revision);
  // libnftnl takes ownership and frees it with free(3).
  auto* info = static_cast<xt_NFQ_info_v3*>(std::calloc(1, XT_ALIGN(sizeof(xt_NFQ_info_v3))));
  if (info == nullptr) throw std::bad_alloc();
  info->queuenum = queue;
  info->queues_total = 1;
  info->flags = NFQ_FLAG_BYPASS;
  nftnl_expr_set(target, NFTNL_EXPR_TG_INFO, info, XT_ALIGN(sizeof(xt_NFQ_info_v3)));
  nftnl_rule_add_expr(rule.get(), target);
  return rule;  // NOLINT(clang-analyzer-unix.Malloc): info belongs to the expression
}

}  // namespace

Expected<void> probe_xt_queue(Family family) {
  std::array<char, 1024> buffer{};
  auto* header = mnl_nlmsg_put_header(buffer.data());
  header->nlmsg_type = (NFNL_SUBSYS_NFT_COMPAT << 8) | NFNL_MSG_COMPAT_GET;
  header->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
  header->nlmsg_seq = 1;
  auto* generic = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(header, sizeof(nfgenmsg)));
  generic->nfgen_family = protocol_family(family);
  generic->version = NFNETLINK_V0;
  mnl_attr_put_strz(header, NFTA_COMPAT_NAME, "NFQUEUE");
  mnl_attr_put_u32(header, NFTA_COMPAT_REV, htonl(target_revision));
  mnl_attr_put_u32(header, NFTA_COMPAT_TYPE, htonl(1));  // 1: target, 0: match
  return transact(buffer.data(), header->nlmsg_len, 1, "ask the kernel for the xtables NFQUEUE target in nf_tables");
}

Expected<void> set_xt_queue_chain(Family family, const std::string& table, const std::string& chain,
                                  std::uint16_t queue) {
  const std::uint8_t nf_family = protocol_family(family);
  std::vector<char> buffer(message_space);
  std::size_t used = 0;
  std::uint32_t sequence = 0;
  const auto append = [&](std::uint16_t type, std::uint16_t flags, auto&& fill) {
    auto* header = nftnl_nlmsg_build_hdr(buffer.data() + used, type, nf_family, flags | NLM_F_ACK, ++sequence);
    fill(header);
    used += NLMSG_ALIGN(header->nlmsg_len);
  };

  Table table_handle(nftnl_table_alloc());
  nftnl_table_set_str(table_handle.get(), NFTNL_TABLE_NAME, table.c_str());
  Chain chain_handle(nftnl_chain_alloc());
  nftnl_chain_set_str(chain_handle.get(), NFTNL_CHAIN_TABLE, table.c_str());
  nftnl_chain_set_str(chain_handle.get(), NFTNL_CHAIN_NAME, chain.c_str());
  RuleHandle every_rule(nftnl_rule_alloc());  // no handle: NFT_MSG_DELRULE empties the chain
  nftnl_rule_set_str(every_rule.get(), NFTNL_RULE_TABLE, table.c_str());
  nftnl_rule_set_str(every_rule.get(), NFTNL_RULE_CHAIN, chain.c_str());
  const RuleHandle rule = queue_rule(nf_family, table, chain, queue);

  nftnl_batch_begin(buffer.data() + used, ++sequence);
  used += NLMSG_ALIGN(reinterpret_cast<nlmsghdr*>(buffer.data())->nlmsg_len);
  append(NFT_MSG_NEWTABLE, NLM_F_CREATE, [&](nlmsghdr* h) { nftnl_table_nlmsg_build_payload(h, table_handle.get()); });
  append(NFT_MSG_NEWCHAIN, NLM_F_CREATE, [&](nlmsghdr* h) { nftnl_chain_nlmsg_build_payload(h, chain_handle.get()); });
  append(NFT_MSG_DELRULE, 0, [&](nlmsghdr* h) { nftnl_rule_nlmsg_build_payload(h, every_rule.get()); });
  append(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND,
         [&](nlmsghdr* h) { nftnl_rule_nlmsg_build_payload(h, rule.get()); });
  const std::uint32_t last = sequence;
  auto* end = nftnl_batch_end(buffer.data() + used, ++sequence);
  used += NLMSG_ALIGN(end->nlmsg_len);
  return transact(buffer.data(), used, last,
                  "put the NFQUEUE target for queue " + std::to_string(queue) + " into chain " + table + "/" + chain);
}

}  // namespace ctgate::rules

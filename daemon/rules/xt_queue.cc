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
#include <cstdlib>
#include <memory>
#include <new>
#include <span>
#include <vector>

extern "C" {
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/table.h>
}

#include "daemon/netlink/socket.hh"

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
using Expression = std::unique_ptr<nftnl_expr, Free<nftnl_expr_free>>;

std::uint8_t protocol_family(Family family) {
  return family == Family::ipv4 ? NFPROTO_IPV4 : NFPROTO_IPV6;
}

// In the network namespace of the calling thread. `messages` are numbered from 1.
Expected<void> transact(std::span<const std::byte> messages, std::uint32_t last, std::string_view what) {
  const auto socket = netlink::Socket::open();
  if (!socket) return tl::unexpected(socket.error());
  return socket->request(messages, 1, last, what);
}

// libnftnl's answers where there is no memory left.
template <typename T>
T* allocated(T* object) {
  if (object == nullptr) throw std::bad_alloc();
  return object;
}
void copied(int result) {
  if (result < 0) throw std::bad_alloc();
}

RuleHandle rule_of(std::uint8_t family, const std::string& table, const std::string& chain) {
  RuleHandle rule(allocated(nftnl_rule_alloc()));
  nftnl_rule_set_u32(rule.get(), NFTNL_RULE_FAMILY, family);
  copied(nftnl_rule_set_str(rule.get(), NFTNL_RULE_TABLE, table.c_str()));
  copied(nftnl_rule_set_str(rule.get(), NFTNL_RULE_CHAIN, chain.c_str()));
  return rule;
}

Expression queue_target(std::uint16_t queue) {
  Expression target(allocated(nftnl_expr_alloc("target")));
  copied(nftnl_expr_set_str(target.get(), NFTNL_EXPR_TG_NAME, "NFQUEUE"));
  nftnl_expr_set_u32(target.get(), NFTNL_EXPR_TG_REV, target_revision);
  // libnftnl takes ownership and frees it with free(3).
  auto* info = static_cast<xt_NFQ_info_v3*>(allocated(std::calloc(1, XT_ALIGN(sizeof(xt_NFQ_info_v3)))));
  info->queuenum = queue;
  info->queues_total = 1;
  info->flags = NFQ_FLAG_BYPASS;
  nftnl_expr_set(target.get(), NFTNL_EXPR_TG_INFO, info, XT_ALIGN(sizeof(xt_NFQ_info_v3)));
  return target;  // NOLINT(clang-analyzer-unix.Malloc): info belongs to the expression
}

}  // namespace

Expected<void> probe_xt_queue(Family family) {
  alignas(nlmsghdr) std::array<char, 1024> buffer{};
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
  return transact(std::as_bytes(std::span(buffer)).first(header->nlmsg_len), 1,
                  "ask the kernel for the xtables NFQUEUE target in nf_tables");
}

Expected<void> set_xt_queue_chain(Family family, const std::string& table, const std::string& chain,
                                  std::uint16_t queue) {
  const std::uint8_t nf_family = protocol_family(family);
  std::vector<char> buffer(message_space);  // aligned as everything of new is
  std::size_t used = 0;
  std::uint32_t sequence = 0;
  const auto append = [&](std::uint16_t type, std::uint16_t flags, auto&& fill) {
    auto* header = nftnl_nlmsg_build_hdr(buffer.data() + used, type, nf_family, flags | NLM_F_ACK, ++sequence);
    fill(header);
    used += NLMSG_ALIGN(header->nlmsg_len);
  };

  Table table_handle(allocated(nftnl_table_alloc()));
  copied(nftnl_table_set_str(table_handle.get(), NFTNL_TABLE_NAME, table.c_str()));
  Chain chain_handle(allocated(nftnl_chain_alloc()));
  copied(nftnl_chain_set_str(chain_handle.get(), NFTNL_CHAIN_TABLE, table.c_str()));
  copied(nftnl_chain_set_str(chain_handle.get(), NFTNL_CHAIN_NAME, chain.c_str()));
  const RuleHandle every_rule = rule_of(nf_family, table, chain);  // no handle: NFT_MSG_DELRULE empties the chain
  const RuleHandle rule = rule_of(nf_family, table, chain);
  nftnl_rule_add_expr(rule.get(), queue_target(queue).release());

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
  return transact(std::as_bytes(std::span(buffer)).first(used), last,
                  "put the NFQUEUE target for queue " + std::to_string(queue) + " into chain " + table + "/" + chain);
}

}  // namespace ctgate::rules

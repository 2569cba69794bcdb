// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/netlink/ruleset_events.hh"

#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace ctgate::netlink {

Expected<RulesetEvents> RulesetEvents::subscribe() {
  auto socket = Socket::open();
  if (!socket) return tl::unexpected(socket.error());
  const int group = NFNLGRP_NFTABLES;
  if (setsockopt(socket->fd(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0) {
    return errno_error("subscribe to changes of nf_tables rules", errno);
  }
  return RulesetEvents(std::move(*socket));
}

void RulesetEvents::discard() const {
  std::array<char, 8192> buffer;
  while (recv(fd(), buffer.data(), buffer.size(), MSG_DONTWAIT | MSG_TRUNC) >= 0 || errno == ENOBUFS ||
         errno == EINTR) {
  }
}

}  // namespace ctgate::netlink

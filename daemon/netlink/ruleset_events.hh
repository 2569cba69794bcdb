// SPDX-License-Identifier: GPL-2.0-or-later
// Notices changes to nf_tables rules.
#pragma once

#include "daemon/netlink/socket.hh"

namespace ctgate::netlink {

// A socket in the group NFNLGRP_NFTABLES: readable after any change of the rules in its network namespace. Which change
// it was does not matter to the reader, so the messages are thrown away and an overrun is as good as a message.
class RulesetEvents {
 public:
  [[nodiscard]] static Expected<RulesetEvents> subscribe();
  [[nodiscard]] int fd() const { return socket_.fd(); }
  void discard() const;

 private:
  explicit RulesetEvents(Socket socket) : socket_(std::move(socket)) {}
  Socket socket_;
};

}  // namespace ctgate::netlink

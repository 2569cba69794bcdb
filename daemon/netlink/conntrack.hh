// SPDX-License-Identifier: GPL-2.0-or-later
// Conntrack's events and entries. net/netfilter/nf_conntrack_netlink.c
#pragma once

#include <memory>
#include <optional>

#include "daemon/gate/engine.hh"
#include "daemon/netlink/batch_reader.hh"
#include "daemon/netlink/socket.hh"

struct nf_conntrack;

namespace ctgate::netlink {

// A socket that gets an event for every new UDP entry and, where asked for, for every change of one (an answer).
// Destroy events are not subscribed: a slow listener to those pins dead entries.
class ConntrackEvents {
 public:
  // Opens and subscribes in the network namespace of the calling thread. Has to exist before the rules do: with
  // net.netfilter.nf_conntrack_events = 2, the default since Linux 5.19, entries made without a listener send no event.
  [[nodiscard]] static Expected<ConntrackEvents> subscribe(Release release);

  [[nodiscard]] int fd() const { return socket_.fd(); }

 private:
  explicit ConntrackEvents(Socket socket) : socket_(std::move(socket)) {}
  Socket socket_;
};

// What the engine sees of conntrack: the events of a borrowed socket, and lookups on its own socket.
class Conntrack final : public ConntrackView {
 public:
  [[nodiscard]] static Expected<std::unique_ptr<Conntrack>> open(const ConntrackEvents& events);

  bool drain(const std::function<void(const ConntrackChange&)>& each) override;
  [[nodiscard]] EntryState lookup(const FlowKey& flow) override;

 private:
  Conntrack(const ConntrackEvents& events, Socket lookups) : events_(events), lookups_(std::move(lookups)) {}

  const ConntrackEvents& events_;
  Socket lookups_;
  BatchReader reader_{2048};  // bytes: an event takes about 250, with labels and timestamps some 600
  std::uint32_t sequence_ = 0;
};

}  // namespace ctgate::netlink

// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/rules/render_nftables.hh"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>

#include "daemon/rules/selection.hh"

namespace ctgate::rules {
namespace {

// Timeouts of the dynamic sets; FlowGate's lifetimes go with them.
constexpr std::string_view pending_timeout = "30s";  // a leader that never reaches the last chain
constexpr std::string_view held_timeout = "250ms";   // how long a flow that had a follower goes through the daemon
constexpr std::string_view answered_timeout = "2s";  // an answer teaches the kernel its flow if one came shortly before
constexpr unsigned set_size = 65536;                 // elements; a full set lets datagrams pass as without ctgate

constexpr std::array<std::string_view, 5> sets{"pending", "awaiting", "held", "answered", "confirmed"};
// Holds a ct expression for as long as the table exists; see conntrack_rule().
constexpr std::string_view anchor_chain = "conntrack_anchor";
constexpr std::array<std::string_view, 8> regular_chains{
    "follower", "follower_replied", "gate", "gate_replied", "learn_original", "learn_reply", "learn", "learn_replied"};
struct BaseChain {
  std::string_view name;
  std::string_view priority;
};
// Before conntrack, after the raw table's notrack and zone rules; and last before conntrack confirms.
constexpr std::array<BaseChain, 4> base_chains{
    {{"prerouting", "-250"}, {"output", "-250"}, {"postrouting", "2147483646"}, {"input", "2147483646"}}};

// Writes the commands of one family's table.
class Writer {
 public:
  Writer(std::string& out, Family family, const Policy& policy, const RenderOptions& options, bool probe)
      : out_(out),
        table_(probe ? "ctgate_probe" : table_name),
        probe_(probe),
        policy_(policy),
        options_(options),
        plan_(plan_queues(policy)),
        family_(family),
        ip_(family_word(family)),
        key_(fmt::format("{0} saddr . udp sport . {0} daddr . udp dport", ip_)),
        original_(fmt::format(
            "ct original {0} saddr . ct original proto-src . ct original {0} daddr . ct original proto-dst", ip_)),
        reply_(fmt::format("ct reply {0} saddr . ct reply proto-src . ct reply {0} daddr . ct reply proto-dst", ip_)) {}

  void write() {
    declare();
    if (probe_ || options_.backend == Backend::nftables) write_queues();
    write_gate("gate", "follower", "pending");
    write_follower("follower", plan_.confirmed);
    if (plan_.replied) {
      write_gate("gate_replied", "follower_replied", "awaiting");
      write_follower("follower_replied", {*plan_.replied});
    }
    write_learn();
    write_selection(Hook::prerouting);
    write_selection(Hook::output);
    write_last("postrouting");
    write_last("input");
  }

 private:
  void declare() {
    out_ += fmt::format("add table {} {}\n", ip_, table_);
    for (const auto set : sets) {
      out_ += fmt::format("add set {} {} {} {{ typeof {}; flags dynamic,timeout; size {}; }}\n", ip_, table_, set, key_,
                          set_size);
    }
    for (const auto chain : regular_chains) out_ += fmt::format("add chain {} {} {}\n", ip_, table_, chain);
    for (const auto& chain : base_chains) {
      out_ += fmt::format("add chain {} {} {}", ip_, table_, chain.name);
      if (!probe_)
        out_ += fmt::format(" {{ type filter hook {} priority {}; policy accept; }}", chain.name, chain.priority);
      out_ += '\n';
    }
    out_ += fmt::format("add chain {0} {1} {2}\nflush chain {0} {1} {2}\n", ip_, table_, anchor_chain);
    conntrack_rule(anchor_chain, "ct state != invalid accept");
    for (const auto chain : regular_chains) out_ += fmt::format("flush chain {} {} {}\n", ip_, table_, chain);
    for (const auto& chain : base_chains) out_ += fmt::format("flush chain {} {} {}\n", ip_, table_, chain.name);
  }

  // A rule with a ct expression. The first one of a family makes the kernel register conntrack's hooks, and when the
  // last one goes it unregisters them, which drops what waits in every queue of the namespace: so none may stand in a
  // transaction that is aborted, as a dry run is.
  template <typename... Arguments>
  void conntrack_rule(std::string_view chain, fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    if (!probe_) rule(chain, format, std::forward<Arguments>(arguments)...);
  }

  template <typename... Arguments>
  void rule(std::string_view chain, fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    out_ += fmt::format("add rule {} {} {} {}\n", ip_, table_, chain,
                        fmt::format(format, std::forward<Arguments>(arguments)...));
  }

  void write_queues() {
    auto numbers = plan_.confirmed;
    if (plan_.replied) numbers.push_back(*plan_.replied);
    for (const auto number : numbers) {
      const auto chain = queue_chain(number);
      out_ += fmt::format("add chain {0} {1} {2}\nflush chain {0} {1} {2}\n", ip_, table_, chain);
      if (options_.backend == Backend::nftables) rule(chain, "queue flags bypass to {}", number);
    }
  }

  // A follower: the flow goes through the daemon for a while, so that nothing overtakes what is held.
  void write_follower(std::string_view chain, const std::vector<std::uint16_t>& queues) {
    rule(chain, "add @held {{ {} timeout {} }}", key_, held_timeout);
    if (queues.size() == 1) {
      rule(chain, "goto {}", queue_chain(queues.front()));
      return;
    }
    std::vector<std::string> targets;
    for (std::size_t i = 0; i < queues.size(); ++i) {
      targets.push_back(fmt::format("{} : goto {}", i, queue_chain(queues[i])));
    }
    // The kernel's own balancing hashes addresses only and would put a busy resolver's flows on one queue.
    rule(chain, "jhash {} mod {} vmap {{ {} }}", key_, queues.size(), fmt::join(targets, ", "));
  }

  void write_gate(std::string_view chain, std::string_view follower, std::string_view waiting) {
    // What is held comes before what is confirmed: a flow that learns the latter while followers are on their way
    // through the daemon would overtake them.
    rule(chain, "{} @held goto {}", key_, follower);
    rule(chain, "{} @confirmed accept", key_);
    write_exemptions(chain);
    rule(chain, "{} @{} goto {}", key_, waiting, follower);
    if (marks()) rule(chain, "meta mark set meta mark | {:#x}", mark());
    rule(chain, "add @{} {{ {} timeout {} }}", waiting, key_, pending_timeout);
  }

  // Behind the lookup of confirmed flows, which are most datagrams and were exempt from nothing when they were learned.
  // In OUTPUT there is no incoming interface, in PREROUTING no outgoing one.
  void write_exemptions(std::string_view chain) {
    rule(chain, "iif lo accept");
    rule(chain, "oif lo accept");
    rule(chain, "meta pkttype != host accept");
    for (const auto& prefix : exempt_prefixes(family_)) {
      const bool host = prefix.length == (family_ == Family::ipv4 ? 32 : 128);
      rule(chain, "{} daddr {} accept", ip_, host ? prefix.network.to_string() : prefix.to_string());
    }
    // Before conntrack a datagram without anything attached reads as invalid (nft_ct_get_eval()). Left alone is what is
    // untracked; what has its entry already, on a second way through the hooks as behind a VRF device (vrf_ip_rcv()),
    // and would be taken for its own follower; and what has a template, since that may carry a zone, which a lookup of
    // the entry needs and nothing here can read. This also makes nf_tables register conntrack and with it
    // defragmentation, so that datagrams arrive here whole.
    conntrack_rule(chain, "ct state != invalid accept");
  }

  // Last chain: the leader is about to be confirmed, so its flow is not pending any more; a datagram of a flow that is
  // confirmed already teaches the kernel the flow. Before conntrack the direction of a datagram is unknown and answers
  // went the same way, so both directions are handled, each with its own tuple.
  void write_learn() {
    conntrack_rule("learn", "meta l4proto udp ct direction original {} @pending jump learn_original", original_);
    conntrack_rule("learn", "meta l4proto udp ct direction reply {} @pending jump learn_reply", reply_);
    conntrack_rule("learn_original", "meta l4proto udp ct status confirmed {}", add_confirmed(original_));
    conntrack_rule("learn_original", "meta l4proto udp delete @pending {{ {} }}", original_);
    write_learn_answer("learn_reply", "", "pending");
    if (!plan_.replied) return;
    // Flows that wait for their answer are waiting until one passes here.
    conntrack_rule("learn_replied", "meta l4proto udp ct direction reply {0} @awaiting delete @awaiting {{ {0} }}",
                   original_);
    conntrack_rule(
        "learn_replied",
        "meta l4proto udp ct direction original ct status seen-reply {0} @awaiting {1} delete @awaiting {{ {0} }}",
        original_, add_confirmed(original_));
    write_learn_answer("learn_replied", fmt::format("ct direction reply {} @awaiting ", reply_), "awaiting");
  }

  // An answer's entry is confirmed always, so its first datagram alone does not tell a flow that goes on.
  void write_learn_answer(std::string_view chain, const std::string& match, std::string_view waiting) {
    conntrack_rule(chain, "meta l4proto udp {}{} @answered {}", match, reply_, add_confirmed(reply_));
    conntrack_rule(chain, "meta l4proto udp {}add @answered {{ {} timeout {} }}", match, reply_, answered_timeout);
    conntrack_rule(chain, "meta l4proto udp {}delete @{} {{ {} }}", match, waiting, reply_);
  }

  std::string add_confirmed(std::string_view tuple) const {
    return fmt::format("add @confirmed {{ {} timeout {}s }}", tuple, options_.confirmed_timeout.count());
  }

  void write_last(std::string_view chain) {
    if (plan_.replied) rule(chain, "meta l4proto udp jump learn_replied");
    if (marks()) {
      rule(chain, "meta mark & {0:#x} == {0:#x} meta mark set meta mark & {1:#x} jump learn", mark(), ~mark());
    } else {
      rule(chain, "meta l4proto udp jump learn");
    }
  }

  void write_selection(Hook hook) {
    const bool output = hook == Hook::output;
    const std::string_view chain = output ? "output" : "prerouting";
    rule(chain, "meta l4proto != udp accept");
    for (const auto& selector : select_rules(policy_, hook, family_)) write_selector(chain, hook, selector);
    rule(chain, "{}", verdict(policy_.default_action, policy_.default_release));
  }

  void write_selector(std::string_view chain, Hook hook, const Selector& selector) {
    std::string match;
    if (!selector.destinations.empty()) {
      std::vector<std::string> prefixes;
      for (const auto& prefix : selector.destinations) prefixes.push_back(prefix.to_string());
      match += fmt::format("{} daddr {{ {} }} ", ip_, fmt::join(prefixes, ", "));
    }
    if (!selector.ports.empty()) {
      std::vector<std::string> ports;
      for (const auto& range : selector.ports) {
        ports.push_back(range.first == range.last ? fmt::format("{}", range.first)
                                                  : fmt::format("{}-{}", range.first, range.last));
      }
      match += fmt::format("udp dport {{ {} }} ", fmt::join(ports, ", "));
    }
    const Rule& rule_of = *selector.rule;
    if (!rule_of.users.empty()) match += fmt::format("meta skuid {{ {} }} ", fmt::join(rule_of.users, ", "));
    if (selector.local != Selector::Local::any) {
      match += selector.local == Selector::Local::yes ? "fib daddr type local " : "fib daddr type != local ";
    }
    const std::string end = fmt::format("{} comment \"{}\"", verdict(rule_of.action, rule_of.release), rule_of.name);
    if (rule_of.interfaces.empty()) return rule(chain, "{}{}", match, end);
    // One line for each: prefixes ("eth*") can't stand in a set before nft 1.0.5.
    for (const auto& interface : rule_of.interfaces) {
      rule(chain, "{} \"{}\" {}{}", hook == Hook::output ? "oifname" : "iifname", interface, match, end);
    }
  }

  static std::string_view verdict(Action action, Release release) {
    if (action == Action::pass) return "accept";
    return release == Release::replied ? "goto gate_replied" : "goto gate";
  }

  bool marks() const { return policy_.daemon.mark_bit >= 0; }
  std::uint32_t mark() const { return std::uint32_t{1} << policy_.daemon.mark_bit; }

  std::string& out_;
  std::string_view table_;
  bool probe_;
  const Policy& policy_;
  const RenderOptions& options_;
  QueuePlan plan_;
  Family family_;
  std::string_view ip_;
  std::string key_, original_, reply_;
};

}  // namespace

std::string_view family_word(Family family) {
  return family == Family::ipv4 ? "ip" : "ip6";
}

std::string queue_chain(std::uint16_t queue) {
  return fmt::format("queue_{}", queue);
}

std::string render_install(const Policy& policy, const RenderOptions& options, std::span<const Family> families) {
  std::string commands;
  for (const Family family : families) Writer(commands, family, policy, options, false).write();
  return commands;
}

std::string render_probe(const Policy& policy, const RenderOptions& options, std::span<const Family> families) {
  std::string commands;
  for (const Family family : families) Writer(commands, family, policy, options, true).write();
  return commands;
}

std::string render_withdraw(std::span<const Family> families) {
  std::string commands;
  for (const Family family : families) {
    const auto ip = family_word(family);
    for (const auto& chain : base_chains) commands += fmt::format("flush chain {} {} {}\n", ip, table_name, chain.name);
    for (const auto chain : regular_chains) commands += fmt::format("flush chain {} {} {}\n", ip, table_name, chain);
    for (const auto set : sets) commands += fmt::format("flush set {} {} {}\n", ip, table_name, set);
  }
  return commands;
}

}  // namespace ctgate::rules

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
constexpr std::string_view marks_timeout = "2s";     // more than a datagram needs from chain `gate` to the known_* ones
constexpr std::string_view source_timeout = "10s";   // what a source may send is forgotten when it pauses
// The packet mark of an asking datagram, see Writer::write_gate(). Nothing routes or filters between the two chains,
// and the mark that was there before comes back, so the value matters to nobody.
constexpr std::uint32_t asking = 0xc76a7e01;
// What the namespace's raw sockets send in the name of others, such as a consumer's copies of what it dropped: passes.
// Not behind a VRF device, whose addresses are not in the table of local ones.
constexpr std::string_view foreign_source = "fib saddr type != local meta oifkind != \"vrf\" accept";

constexpr std::array<std::string_view, 5> sets{"pending", "awaiting", "held", "answered", "confirmed"};
// Holds a ct expression for as long as the table exists; see conntrack_rule().
constexpr std::string_view anchor_chain = "conntrack_anchor";
constexpr std::array<std::string_view, 11> regular_chains{
    "follower",     "follower_replied", "gate",   "gate_output", "gate_replied", "gate_replied_output",
    "restore_mark", "unconfirmed",      "leader", "learn",       "learn_replied"};
struct BaseChain {
  std::string_view name;
  std::string_view hook;
  std::string_view priority;
};
// Before conntrack, after the raw table's notrack and zone rules; right after conntrack; last before it confirms.
constexpr std::array<BaseChain, 6> base_chains{{{"prerouting", "prerouting", "-250"},
                                                {"output", "output", "-250"},
                                                {"known_prerouting", "prerouting", "-199"},
                                                {"known_output", "output", "-199"},
                                                {"postrouting", "postrouting", "2147483646"},
                                                {"input", "input", "2147483646"}}};

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
        hash_(fmt::format("jhash {} mod 4294967295 seed 0xc76a7e", key_)),
        original_(fmt::format(
            "ct original {0} saddr . ct original proto-src . ct original {0} daddr . ct original proto-dst", ip_)),
        reply_(fmt::format("ct reply {0} saddr . ct reply proto-src . ct reply {0} daddr . ct reply proto-dst", ip_)) {}

  void write() {
    declare();
    if (probe_ || options_.backend == Backend::nftables) write_queues();
    write_gate();
    write_follower("follower", plan_.confirmed);
    if (plan_.replied) {
      write_gate_replied();
      write_follower("follower_replied", {*plan_.replied});
      write_learn_replied();
    }
    write_unconfirmed();
    write_learn();
    write_selection(Hook::prerouting);
    write_selection(Hook::output);
    for (const auto chain : {"known_prerouting", "known_output"}) write_known(chain);
    for (const auto chain : {"postrouting", "input"}) write_last(chain);
  }

 private:
  void declare() {
    out_ += fmt::format("add table {} {}\n", ip_, table_);
    for (const auto set : sets) {
      out_ += fmt::format("add set {} {} {} {{ typeof {}; flags dynamic,timeout; size {}; }}\n", ip_, table_, set, key_,
                          set_size);
    }
    out_ += fmt::format("add map {} {} marks {{ type mark : mark; flags dynamic,timeout; size {}; }}\n", ip_, table_,
                        set_size);
    // Emptied, since an element keeps the limit that it began with.
    out_ += fmt::format(
        "add set {0} {1} sources {{ type {2}; flags dynamic,timeout; size {3}; }}\nflush set {0} {1} sources\n", ip_,
        table_, family_ == Family::ipv4 ? "ipv4_addr" : "ipv6_addr", set_size);
    for (const auto counter : ungated_counters) out_ += fmt::format("add counter {} {} {}\n", ip_, table_, counter);
    for (const auto chain : regular_chains) out_ += fmt::format("add chain {} {} {}\n", ip_, table_, chain);
    for (const auto& chain : base_chains) {
      out_ += fmt::format("add chain {} {} {}", ip_, table_, chain.name);
      if (!probe_)
        out_ += fmt::format(" {{ type filter hook {} priority {}; policy accept; }}", chain.hook, chain.priority);
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

  void write_gate_until_leaders(std::string_view gate, std::string_view follower, std::string_view waiting) {
    rule(fmt::format("{}_output", gate), "{}", foreign_source);
    rule(fmt::format("{}_output", gate), "goto {}", gate);
    if (!asks_first()) rule(gate, "{} @confirmed accept", key_);
    write_exemptions(gate);
    rule(gate, "{} @held goto {}", key_, follower);
    rule(gate, "{} @{} goto {}", key_, waiting, follower);
  }

  // A datagram that the sets do not know: a leader, or of a flow that conntrack knows and the sets do not (yet, or any
  // more). Which of the two it is shows in the known_* chains, right after conntrack. For that way it is asking: it
  // carries a packet mark, and the one that it had waits in `marks`, by a hash of the flow: nft up to 1.0.6 takes no
  // key longer than 16 bytes there (netlink_gen_map_stmt()). If a set is full it passes as without ctgate.
  void write_gate() {
    write_gate_until_leaders("gate", "follower", "pending");
    rule("gate",
         "update @marks {{ {4} timeout {1} : meta mark }} add @pending {{ {0} timeout {2} }} meta mark set {3:#x} "
         "accept",
         key_, marks_timeout, pending_timeout, asking, hash_);
    rule("gate", "counter name {}", ungated_counters[0]);
  }

  void write_gate_replied() {
    write_gate_until_leaders("gate_replied", "follower_replied", "awaiting");
    rule("gate_replied", "add @awaiting {{ {} timeout {} }} accept", key_, pending_timeout);
    rule("gate_replied", "counter name {}", ungated_counters[0]);
  }

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

  // Right after conntrack: the datagram's own addresses are still those that the first chains saw, in both directions.
  void write_known(std::string_view chain) {
    conntrack_rule(chain, "ct status & confirmed == 0 goto unconfirmed");
    rule(chain, "meta mark {:#x} goto learn", asking);
  }

  // A new flow, whose datagram asked; or one that `confirmed` still has although conntrack's entry is gone: then this
  // datagram is a leader, too.
  void write_unconfirmed() {
    rule("unconfirmed", "meta mark {:#x} goto leader", asking);
    rule("unconfirmed", "{0} @confirmed delete @confirmed {{ {0} }} add @pending {{ {0} timeout {1} }}{2}", key_,
         pending_timeout,
         plan_.replied ? fmt::format(" add @awaiting {{ {} timeout {} }}", key_, pending_timeout) : std::string());
    rule("leader", "jump restore_mark");
    // An IPv6 host can send from any address of its /64.
    rule("leader",
         "meta l4proto udp update @sources {{ {} saddr{} timeout {} limit rate over {}/second burst {} packets }} "
         "delete @pending {{ {} }} counter name {}",
         ip_, family_ == Family::ipv6 ? " & ffff:ffff:ffff:ffff::" : "", source_timeout,
         policy_.gate.new_flows_per_source, 2 * policy_.gate.new_flows_per_source, key_, ungated_counters[1]);
    rule("restore_mark", "meta mark set {} meta mark set meta mark map @marks return", hash_);
    // Had it waited somewhere in between for longer than `marks` remembers.
    rule("restore_mark", "meta l4proto udp meta mark set 0");
  }

  // Conntrack knows the flow of a datagram that asked, so the kernel learns it for a while. Not while it is `held`:
  // what comes next would overtake what the daemon still has.
  void write_learn() {
    rule("learn", "jump restore_mark");
    rule("learn", "{0} @held delete @pending {{ {0} }} accept", key_);
    conntrack_rule("learn", "ct direction original {}", add_confirmed(key_));
    // An answer's entry is confirmed always, so its first datagram alone does not tell a flow that goes on.
    conntrack_rule("learn", "ct direction reply {} @answered {}", key_, add_confirmed(key_));
    conntrack_rule("learn", "ct direction reply add @answered {{ {} timeout {} }}", key_, answered_timeout);
    rule("learn", "delete @pending {{ {} }}", key_);
  }

  // Last chain. Flows that wait for their answer are waiting until one passes here.
  void write_learn_replied() {
    conntrack_rule("learn_replied", "meta l4proto udp ct direction reply {0} @awaiting delete @awaiting {{ {0} }}",
                   original_);
    conntrack_rule(
        "learn_replied",
        "meta l4proto udp ct direction original ct status seen-reply {0} @awaiting {1} delete @awaiting {{ {0} }}",
        original_, add_confirmed(original_));
    const std::string answer = fmt::format("meta l4proto udp ct direction reply {} @awaiting", reply_);
    conntrack_rule("learn_replied", "{} {} @answered {}", answer, reply_, add_confirmed(reply_));
    conntrack_rule("learn_replied", "{} add @answered {{ {} timeout {} }}", answer, reply_, answered_timeout);
    conntrack_rule("learn_replied", "{} delete @awaiting {{ {} }}", answer, reply_);
  }

  std::string add_confirmed(std::string_view tuple) const {
    return fmt::format("add @confirmed {{ {} timeout {}s }}", tuple, options_.confirmed_timeout.count());
  }

  // The leader is about to be confirmed, so its flow is not pending any more.
  void write_last(std::string_view chain) {
    conntrack_rule(chain, "ct status & confirmed == 0 meta l4proto udp delete @pending {{ {} }}", original_);
    if (plan_.replied) rule(chain, "meta l4proto udp jump learn_replied");
  }

  // Where the default is to gate, most datagrams are of confirmed flows, and one rule lets them pass.
  bool asks_first() const { return policy_.default_action == Action::gate; }

  void write_selection(Hook hook) {
    const bool output = hook == Hook::output;
    const std::string_view chain = output ? "output" : "prerouting";
    if (asks_first()) rule(chain, "{} @confirmed accept", key_);
    rule(chain, "meta l4proto != udp accept");
    for (const auto& selector : select_rules(policy_, hook, family_)) write_selector(chain, hook, selector);
    rule(chain, "{}", verdict(hook, policy_.default_action, policy_.default_release));
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
    // One line for each: masks can't stand in a set.
    auto marked = std::vector<std::string>{match};
    if (!rule_of.marks.empty()) marked.clear();
    for (const auto& mark : rule_of.marks) {
      marked.push_back(mark.mask == MarkMatch{}.mask
                           ? fmt::format("{}meta mark {:#x} ", match, mark.value)
                           : fmt::format("{}meta mark & {:#x} == {:#x} ", match, mark.mask, mark.value));
    }
    const std::string end =
        fmt::format("{} comment \"{}\"", verdict(hook, rule_of.action, rule_of.release), rule_of.name);
    for (const auto& matches : marked) {
      if (rule_of.interfaces.empty()) rule(chain, "{}{}", matches, end);
      // Prefixes ("eth*") can't stand in a set before nft 1.0.5.
      for (const auto& interface : rule_of.interfaces) {
        rule(chain, "{} \"{}\" {}{}", hook == Hook::output ? "oifname" : "iifname", interface, matches, end);
      }
    }
  }

  static std::string_view verdict(Hook hook, Action action, Release release) {
    if (action == Action::pass) return "accept";
    if (hook == Hook::output) return release == Release::replied ? "goto gate_replied_output" : "goto gate_output";
    return release == Release::replied ? "goto gate_replied" : "goto gate";
  }

  std::string& out_;
  std::string_view table_;
  bool probe_;
  const Policy& policy_;
  const RenderOptions& options_;
  QueuePlan plan_;
  Family family_;
  std::string_view ip_;
  std::string key_, hash_, original_, reply_;
};

}  // namespace

std::span<const std::string_view> set_names() {
  static constexpr std::array<std::string_view, 7> names{"pending",   "awaiting", "held",   "answered",
                                                         "confirmed", "marks",    "sources"};
  return names;
}

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
    commands += fmt::format("flush map {0} {1} marks\nflush set {0} {1} sources\n", ip, table_name);
  }
  return commands;
}

}  // namespace ctgate::rules

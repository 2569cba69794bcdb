// SPDX-License-Identifier: GPL-2.0-or-later
// Which rule a flow hits, and why: the policy's meaning in one pure function. The rule set and the shim's image must
// decide the same way; their tests compare with this.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "policy/policy.hh"

namespace ctgate {

// What is known about a flow when its first datagram meets the rules: before NAT.
struct FlowFacts {
  Address source;
  Address destination;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  Direction direction = Direction::output;  // output, forward or input; `any` means unknown
  std::string interface;                    // empty: unknown
  std::optional<std::uint32_t> user;        // of the local sender; empty: unknown, or there is none
  std::optional<std::uint32_t> mark;        // of the packet; empty: unknown
};

struct MatchResult {
  std::optional<std::size_t> rule;  // index into Policy::rules; empty: [default] decided, or `exempt`
  bool exempt = false;              // never gated whatever the policy says; `why` names the reason
  Action action = Action::gate;
  Release release = Release::confirmed;
  std::vector<std::string>
      rejected;     // one line for each rule tried before: `rule "dns": destination port 80 is not in 53`
  std::string why;  // why the winner matched
};

// Rules are tried in order and the first match wins. What is unknown (interface, user, mark, direction) does not match
// a rule that asks for it, and the reason says so. The loopback, multicast and broadcast destinations of
// policy/exempt.hh are exempt, and so is what comes from a loopback address or goes through `lo`.
[[nodiscard]] MatchResult match(const Policy& policy, const FlowFacts& flow);

}  // namespace ctgate

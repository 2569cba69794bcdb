// SPDX-License-Identifier: GPL-2.0-or-later
// A policy as the image that the preload library reads (policy/image/image.hh), and back for a person to look at.
// Pure: files are in policy/image/image_file.hh.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "policy/base/error.hh"
#include "policy/image/image.hh"
#include "policy/policy.hh"

namespace ctgate {

struct LeftOutRule {
  std::string name;
  std::string why;  // "direction is forward, and ..."
};

struct CompiledPolicy {
  std::vector<std::byte> image;
  std::size_t rules = 0;              // in the image
  std::vector<LeftOutRule> left_out;  // in the order of the policy
};

// The image of `policy`, or an error (ExitCode::usage) if it needs more than image::largest_image, or if the policy has
// a value that no policy file may have.
//
// Left out are the rules that a local sender's flow can't match as long as its interface is unknown, which it is before
// routing: those with direction "forward" or "input", and those that name interfaces
// or packet marks. So View::decide agrees with
// match() of policy/match/match.hh for direction "output", a known user, no interface and no mark, exempt destinations
// aside.
[[nodiscard]] Expected<CompiledPolicy> compile_policy(const Policy& policy);

// The policy with the targets of the symbolic links in skip_programs added to it: where /bin is a link, a program
// listed as /bin/ping is /usr/bin/ping to the kernel (/proc/PID/exe). Reads the file system; a path missing there stays
// as it is.
[[nodiscard]] Policy with_resolved_programs(Policy policy);

// What the image holds. It has no names: rules are called "rule-1", "rule-2", ... What an image does not hold (limits
// of the gate, options of the daemon, releases) has its default. compile_policy() turns it into the same image again.
[[nodiscard]] Policy policy_of_image(const image::View& view);

}  // namespace ctgate

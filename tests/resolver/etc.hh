// SPDX-License-Identifier: GPL-2.0-or-later
// The tests' own /etc: the machine's, except for the files that tell a resolver what to do.
#pragma once

#include <map>
#include <string>

namespace ctgate::test {

// From the first call on the calling process, which is in a sandbox (daemon/lab/sandbox.hh), and its children have an
// /etc in memory. All entries lead to the machine's files, except resolv.conf, hosts, nsswitch.conf, gai.conf and
// host.conf, which do not exist, and there is no name service cache. Throws std::system_error.
void enter_private_etc();

// Writes files below /etc by name. Those of the five named above that are not given do not exist afterwards.
void set_resolver_files(const std::map<std::string, std::string>& files);

}  // namespace ctgate::test

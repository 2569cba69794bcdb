// SPDX-License-Identifier: GPL-2.0-or-later
#include "shim/resolver/machine.hh"

#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "shim/resolver/qualify.hh"
#include "shim/resolver/read_file.hh"

namespace ctgate::resolver {
namespace {

// `judge(text)` gives a reason or nullptr.
template <typename Judge>
const char* judge_file(const char* path, const char* if_missing, const char* if_unreadable, Judge&& judge) {
  List<char> text;
  const FileState state = read_file(path, text);
  const char* reason = state == FileState::missing      ? if_missing
                       : state == FileState::unreadable ? if_unreadable
                                                        : judge(Text{text.data, text.count});
  text.clear();
  return reason;
}

}  // namespace

const char* judge_machine(Preference preference, const char* node) {
  if (std::getenv("HOSTALIASES") != nullptr && std::strchr(node, '.') == nullptr) return "HOSTALIASES is set";
  if (preference == Preference::automatic) {
    if (access("/var/run/nscd/socket", F_OK) == 0) return "nscd runs and may answer";
    const char* reason = judge_file("/etc/nsswitch.conf", "nsswitch.conf is missing, so libc's built-in default holds",
                                    "nsswitch.conf can't be read", judge_nsswitch);
    if (reason == nullptr) {
      reason = judge_file("/etc/resolv.conf", nullptr, "resolv.conf can't be read", judge_resolv_conf);
    }
    if (reason == nullptr) reason = judge_file("/etc/gai.conf", nullptr, "gai.conf can't be read", judge_gai);
    if (reason != nullptr) return reason;
  }
  return judge_file("/etc/hosts", nullptr, "the hosts file can't be read, or is longer than 1 MiB",
                    [=](Text text) { return hosts_has(text, node) ? "the name is in the hosts file" : nullptr; });
}

}  // namespace ctgate::resolver

// SPDX-License-Identifier: GPL-2.0-or-later
// A library whose constructor sends a burst: to the address in SHIM_TARGET, on flows from 1000 on.
#include "tests/shim/program.hh"

namespace {

[[gnu::constructor]] void send_early() {
  const char* target = std::getenv("SHIM_TARGET");
  if (target == nullptr) return;
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(9000);
  program::require(inet_pton(AF_INET, target, &name.sin_addr) == 1, target);
  for (unsigned flow = 1000; flow < 1005; ++flow) {
    const int fd = program::open_connected(name);
    for (unsigned index = 0; index < 3; ++index) program::send_mark(fd, flow, index);
  }
}

}  // namespace

// For a program that is to be linked to this library.
extern "C" __attribute__((visibility("default"))) int shim_early_is_here() {
  return 1;
}

// SPDX-License-Identifier: GPL-2.0-or-later
// A plug-in that sends a burst of three datagrams.
#include "tests/shim/program.hh"

extern "C" __attribute__((visibility("default"))) void shim_plugin_send(int fd, unsigned flow) {
  for (unsigned index = 0; index < 3; ++index) program::send_mark(fd, flow, index);
}

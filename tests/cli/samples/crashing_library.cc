// SPDX-License-Identifier: GPL-2.0-or-later
// A library whose constructor crashes.
#include <csignal>

namespace {
[[gnu::constructor]] void crash() {
  ::raise(SIGSEGV);
}
}  // namespace

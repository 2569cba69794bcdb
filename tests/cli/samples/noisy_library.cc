// SPDX-License-Identifier: GPL-2.0-or-later
// A library whose constructor prints.
#include <unistd.h>

namespace {
[[gnu::constructor]] void print() {
  constexpr char text[] = "noise\n";
  (void)!::write(STDOUT_FILENO, text, sizeof text - 1);
}
}  // namespace

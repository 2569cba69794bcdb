// SPDX-License-Identifier: GPL-2.0-or-later
// Writes what it reads, until the end; built static and dynamic. GO_SECTION: with a section as the Go linker makes it.
#include <unistd.h>

#ifdef GO_SECTION
[[gnu::section(".go.buildinfo"), gnu::used]] static const char build_information[] = "\xff Go buildinf:";
#endif

int main() {
  char byte = 0;
  while (::read(STDIN_FILENO, &byte, 1) == 1) {
    if (::write(STDOUT_FILENO, &byte, 1) != 1) return 1;
  }
  return 0;
}

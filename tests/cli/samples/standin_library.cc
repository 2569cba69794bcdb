// SPDX-License-Identifier: GPL-2.0-or-later
// In place of libctgate.so in tests of the commands around it: does nothing, and has a status to find.
// VERSION_OF_STATUS is set by the build.
#include "shim/status.hh"

namespace ctgate::shim {

// Not the first thing in the data, so that it has to be looked for.
[[gnu::visibility("default")]] extern volatile char padding[1000];
volatile char padding[1000] = {1};

[[gnu::visibility("default")]] extern Status status;
Status status = {{'c', 't', 'g', 'a', 't', 'e', '-', 's', 'h', 'i', 'm', 0x1a, 0x03, 0x0e, 0x5d, '\n'},
                 VERSION_OF_STATUS,
                 sizeof(Status),
                 Mode::active,
                 PolicySource::environment,
                 7,
                 3,
                 4500,
                 2000,
                 1,
                 0};

}  // namespace ctgate::shim

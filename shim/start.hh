// SPDX-License-Identifier: GPL-2.0-or-later
// What exists once per process, and how it comes to life.
#pragma once

#include "shim/gate.hh"
#include "shim/linux_kernel.hh"

namespace ctgate::shim {

extern Settings settings;  // does not change once the library is active
extern Tables tables;
extern Status status;
extern Gate<LinuxKernel> gate;

// False until the constructor has run, and where ctgate is switched off: hooks then only pass calls on.
inline bool active() {
  return status.mode.load(std::memory_order_relaxed) == Mode::active;
}

}  // namespace ctgate::shim

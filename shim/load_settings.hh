// SPDX-License-Identifier: GPL-2.0-or-later
// Settings from the environment and the policy image, once, when the program starts.
//
//   CTGATE_DISABLE=1        the hooks do nothing
//   CTGATE_POLICY=<image>   this policy image instead of the system's; root or the program's user must own it
//   CTGATE_LOG=1            a line to descriptor 2 for each datagram that was held and each name that was looked up
//
// Programs with more rights than their user (AT_SECURE, getauxval(3)) ignore all three. Whatever is wrong with an
// image, the program runs, with the built-in defaults.
#pragma once

#include "shim/settings.hh"
#include "shim/status.hh"

namespace ctgate::shim {

Mode load_settings(Settings& settings, PolicySource& source);

}  // namespace ctgate::shim

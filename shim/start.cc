// SPDX-License-Identifier: GPL-2.0-or-later
#include "shim/start.hh"

#include "shim/load_settings.hh"
#include "shim/real.hh"

namespace ctgate::shim {
namespace {

constinit LinuxKernel kernel;
constinit Settings settings;

}  // namespace

constinit Tables tables{};
constinit Status status = {{'c', 't', 'g', 'a', 't', 'e', '-', 's', 'h', 'i', 'm', 0x1a, 0x03, 0x0e, 0x5d, '\n'},
                           status_version,
                           sizeof(Status),
                           {},
                           {},
                           {},
                           {},
                           {},
                           {},
                           {},
                           {}};
constinit Gate<LinuxKernel> gate{kernel, settings, tables, status};

namespace {

// Other libraries' constructors may run before this one, and use the hooks; nothing here allocates.
[[gnu::constructor(101)]] void start() {
  find_real_functions();
  PolicySource source = PolicySource::built_in;
  const Mode mode = load_settings(settings, source);
  status.policy.store(source, std::memory_order_relaxed);
  status.mode.store(mode, std::memory_order_release);
}

}  // namespace
}  // namespace ctgate::shim

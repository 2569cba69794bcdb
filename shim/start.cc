// SPDX-License-Identifier: GPL-2.0-or-later
#include "shim/start.hh"

#include <stdlib.h>

#include "shim/load_settings.hh"
#include "shim/own_memory.hh"
#include "shim/real.hh"
#include "shim/res_options.hh"
#include "shim/resolver_loader.hh"

namespace ctgate::shim {
namespace {

constinit LinuxKernel kernel;

}  // namespace

constinit Settings settings;
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

void tell_libc() {
  char buffer[4096];
  const char* value = add_libc_option(secure_getenv("RES_OPTIONS"), settings.libc_option, buffer, sizeof buffer);
  if (value != nullptr && real.setenv != nullptr) real.setenv("RES_OPTIONS", value, 1);
}

// Other libraries' constructors may run before this one, and use the hooks.
[[gnu::constructor(101)]] void start() {
  find_real_functions();
  PolicySource source = PolicySource::built_in;
  const Mode mode = load_settings(settings, source);
  if (mode == Mode::active) note_process();
  status.policy.store(source, std::memory_order_relaxed);
  status.mode.store(mode, std::memory_order_release);
  if (mode != Mode::active || settings.resolver == image::Resolver::off) return;
  tell_libc();
  remember_root();
}

}  // namespace
}  // namespace ctgate::shim

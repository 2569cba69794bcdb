// SPDX-License-Identifier: GPL-2.0-or-later
// A program with other libraries: linked to one whose constructor sends, and with a plug-in. Usage: linked CASE ADDRESS
#include <dlfcn.h>

#include "tests/shim/program.hh"

extern "C" int shim_early_is_here();

namespace {

using namespace program;

void linked() {
  require(shim_early_is_here() == 1, "the library");
  for (unsigned flow = 0; flow < 5; ++flow) {
    const int fd = open_connected();
    for (unsigned index = 0; index < 3; ++index) send_mark(fd, flow, index);
  }
  print("sent", 15);
}

void load_plugin(int flags) {
  void* plugin = dlopen(SHIM_PLUGIN, RTLD_NOW | flags);
  if (plugin == nullptr) std::fprintf(stderr, "%s\n", dlerror());
  require(plugin != nullptr, "dlopen");
  auto* send = reinterpret_cast<void (*)(int, unsigned)>(dlsym(plugin, "shim_plugin_send"));
  require(send != nullptr, "dlsym");
  for (unsigned flow = 0; flow < 10; ++flow) send(open_connected(), flow);
  print("sent", 30);
}

void plugin() {
  load_plugin(RTLD_LOCAL);
}
void deep_plugin() {
  load_plugin(RTLD_DEEPBIND);
}

constexpr Case cases[] = {{"linked", linked}, {"plugin", plugin}, {"deep-plugin", deep_plugin}};

}  // namespace

int main(int argc, char** argv) {
  return run_case(argc, argv, cases);
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "shim/dynamic_linker.hh"

#include <dlfcn.h>

#include <cstring>

#if defined(__x86_64__)
#define CTGATE_OLDEST_GLIBC "GLIBC_2.2.5"
#elif defined(__i386__)
#define CTGATE_OLDEST_GLIBC "GLIBC_2.0"
#define CTGATE_OLDEST_DLOPEN "GLIBC_2.1"
#elif defined(__aarch64__)
#define CTGATE_OLDEST_GLIBC "GLIBC_2.17"
#elif defined(__arm__)
#define CTGATE_OLDEST_GLIBC "GLIBC_2.4"
#endif

extern "C" {
#ifdef CTGATE_OLDEST_GLIBC
#ifndef CTGATE_OLDEST_DLOPEN
#define CTGATE_OLDEST_DLOPEN CTGATE_OLDEST_GLIBC
#endif
__attribute__((weak)) void* ctgate_dlsym(void* handle, const char* name);
__attribute__((weak)) void* ctgate_dlopen(const char* path, int flags);
__attribute__((weak)) int ctgate_dladdr(const void* address, Dl_info* info);
asm(".symver ctgate_dlsym, dlsym@" CTGATE_OLDEST_GLIBC);
asm(".symver ctgate_dlopen, dlopen@" CTGATE_OLDEST_DLOPEN);
asm(".symver ctgate_dladdr, dladdr@" CTGATE_OLDEST_GLIBC);
#else
static __typeof(dlsym) ctgate_dlsym __attribute__((weakref("dlsym")));
static __typeof(dlopen) ctgate_dlopen __attribute__((weakref("dlopen")));
static __typeof(dladdr) ctgate_dladdr __attribute__((weakref("dladdr")));
#endif
}

namespace ctgate::shim {

void* next_symbol(const char* name) {
  return ctgate_dlsym == nullptr ? nullptr : ctgate_dlsym(RTLD_NEXT, name);
}

const char* owner_of(const char* name) {
  if (ctgate_dlsym == nullptr || ctgate_dladdr == nullptr) return nullptr;
  const void* found = ctgate_dlsym(RTLD_DEFAULT, name);
  Dl_info info{};
  return found != nullptr && ctgate_dladdr(found, &info) != 0 ? info.dli_fname : nullptr;
}

void* load_symbol(const char* path, const char* name) {
  if (ctgate_dlsym == nullptr || ctgate_dlopen == nullptr) return nullptr;
  void* library = ctgate_dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  return library == nullptr ? nullptr : ctgate_dlsym(library, name);
}

bool path_beside(const void* address, const char* name, char* path, std::size_t size) {
  Dl_info info{};
  if (ctgate_dladdr == nullptr || ctgate_dladdr(address, &info) == 0 || info.dli_fname == nullptr) return false;
  if (info.dli_fname[0] != '/') return false;
  const auto directory = static_cast<std::size_t>(std::strrchr(info.dli_fname, '/') - info.dli_fname) + 1;
  const std::size_t length = std::strlen(name) + 1;
  if (directory + length > size) return false;
  std::memcpy(path, info.dli_fname, directory);
  std::memcpy(path + directory, name, length);
  return true;
}

}  // namespace ctgate::shim

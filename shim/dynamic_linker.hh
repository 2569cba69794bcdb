// SPDX-License-Identifier: GPL-2.0-or-later
// dlsym(3) and its kin with their oldest symbol versions, and weak: they moved from libdl to libc with glibc 2.34. So
// the library loads everywhere: it finds libc's from 2.34 on, before that libdl's in programs that have libdl, and
// otherwise does without.
#pragma once

#include <cstddef>

namespace ctgate::shim {

// The next library's function of that name, or nullptr. To be called from this library only (RTLD_NEXT).
void* next_symbol(const char* name);

// The path of the object whose symbol of that name libraries loaded later would get, or nullptr if there is none.
const char* owner_of(const char* name);

// A symbol of the library at `path`, which is loaded and stays; nullptr if that fails.
void* load_symbol(const char* path, const char* name);

// The path of `name` in the directory of the library that has `address`. False: unknown, longer than `size`, or
// relative to a working directory that may have changed by now.
bool path_beside(const void* address, const char* name, char* path, std::size_t size);

}  // namespace ctgate::shim

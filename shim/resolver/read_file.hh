// SPDX-License-Identifier: GPL-2.0-or-later
// Small text files of /etc, whole.
#pragma once

#include <cstdint>

#include "shim/resolver/list.hh"

namespace ctgate::resolver {

enum class FileState : std::uint8_t { read, missing, unreadable };

// Of at most 1 MiB; a longer one is unreadable. `text` is the caller's to clear() in each case.
[[nodiscard]] FileState read_file(const char* path, List<char>& text);

}  // namespace ctgate::resolver

// SPDX-License-Identifier: GPL-2.0-or-later
// Reads small text files, such as those in /etc, as a whole.
#pragma once

#include <cstdint>

#include "shim/resolver/list.hh"

namespace ctgate::resolver {

enum class FileState : std::uint8_t { read, missing, unreadable };

// A file longer than 1 MiB counts as unreadable. The caller must clear() `text` in any case.
[[nodiscard]] FileState read_file(const char* path, List<char>& text);

}  // namespace ctgate::resolver

// SPDX-License-Identifier: GPL-2.0-or-later
// Which file a program's name refers to.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

namespace ctgate {

// The file that execvp(3) takes for `name`: `name` itself if it has a slash, whether it exists or not, else the first
// regular, executable file of that name in the directories of `path`, the value of PATH. An empty directory there is
// the working directory. Null `path`: the system's default path. Nothing if there is none.
[[nodiscard]] std::optional<std::filesystem::path> find_program(std::string_view name, const char* path);

// The same with this process's PATH, followed by /usr/sbin and /sbin, the administrators' directories, which users'
// PATHs leave out.
[[nodiscard]] std::optional<std::filesystem::path> find_program(std::string_view name);

}  // namespace ctgate

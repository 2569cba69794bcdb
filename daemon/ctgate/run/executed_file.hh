// SPDX-License-Identifier: GPL-2.0-or-later
// Which file the kernel executes for a program that find_program() has found: through `#!` lines as binfmt_script
// follows them, and through `/usr/bin/env NAME`.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ctgate::preload {

// The first line of a script.
struct ScriptLine {
  std::string interpreter;
  std::string argument;  // everything after it, as one word; may be empty

  bool operator==(const ScriptLine&) const = default;
};

// What the kernel makes of the first bytes of a file (fs/binfmt_script.c): nothing if that is not a script, or if the
// name of its interpreter does not end within the 256 bytes that the kernel looks at.
[[nodiscard]] std::optional<ScriptLine> parse_script_line(std::string_view head);

// The program that env(1) runs for `argument`, the rest of its line: "python3", "-S LANG=C python3 -u" -> "python3".
// Empty if it names none.
[[nodiscard]] std::string env_program(std::string_view argument);

// The file, then the interpreters, each run by the next; the last one is what the kernel executes. A file that is
// neither script nor ELF counts as a script of /bin/sh, as for execvp(3). Follows at most five scripts, as the kernel
// does (ELOOP in exec_binprm). `path`: the value of PATH, for env(1).
[[nodiscard]] std::vector<std::filesystem::path> follow_scripts(std::filesystem::path file, const char* path);

}  // namespace ctgate::preload

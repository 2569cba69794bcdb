// SPDX-License-Identifier: GPL-2.0-or-later
// Programs into which no library can be preloaded, or in which it has no effect.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "daemon/ctgate/preload/elf_file.hh"
#include "daemon/ctgate/preload/library.hh"

namespace ctgate::preload {

// A command as the kernel will execute it.
struct Program {
  std::string name;            // for messages: the file, and the interpreter that runs it if it is a script
  std::optional<ElfFile> elf;  // of the file that the kernel executes; nothing if that is no ELF file or unreadable
  std::string privileges;      // "set-user-ID", "set-group-ID" or "file capabilities" if these make it AT_SECURE
};

// `file`: as find_program() found it. `path`: PATH, for scripts of /usr/bin/env.
[[nodiscard]] Program examine_program(const std::filesystem::path& file, const char* path);

// What keeps `library` out of the program or makes it useless there, each in one line for a person: what, why, and what
// to use instead. Empty: nothing known.
[[nodiscard]] std::vector<std::string> obstacles(const Program& program, const Library& library);

// The C library that a dynamic loader belongs to, if it is not glibc: "musl", or the loader's own name.
[[nodiscard]] std::optional<std::string> foreign_libc(const std::string& interpreter);

}  // namespace ctgate::preload

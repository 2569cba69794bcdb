// SPDX-License-Identifier: GPL-2.0-or-later
// Where libctgate.so is, and the word that makes ld.so load it: its path, or the path with $LIB where it is installed
// for both word sizes, so that 32-bit programs get theirs (ld.so(8), "Dynamic string tokens").
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/ctgate/preload/elf_file.hh"
#include "policy/base/error.hh"

namespace ctgate::preload {

inline constexpr std::string_view library_name = "libctgate.so";

struct Library {
  std::filesystem::path path;  // absolute
  ElfKind kind;
  std::string word;  // for LD_PRELOAD and ld.so.preload

  // The dynamic loader for 32-bit programs, where this system has one; and the library for them, where `word` leads
  // them to it.
  std::optional<std::filesystem::path> other_loader;
  std::optional<std::filesystem::path> other_path;
  std::optional<ElfKind> other_kind;
};

// `named` if that is not empty. Else relative to the running program, as in an installation or in a build tree, else
// where this build installs it. The error names the places.
[[nodiscard]] Expected<std::filesystem::path> find_library(const std::string& named);

// Checks the library. An error if it is not a shared library, or if its path has characters that ld.so takes for
// something else (white space, ':', '#', '$').
[[nodiscard]] Expected<Library> open_library(const std::filesystem::path& path);

// What a dynamic loader makes of $LIB, e.g. "lib/x86_64-linux-gnu"; asks the loader (--list-diagnostics, glibc 2.33).
[[nodiscard]] std::optional<std::string> lib_token(const std::filesystem::path& loader);

// The loader of this program, which is that of all programs of its word size.
[[nodiscard]] std::optional<std::filesystem::path> own_loader();

// `library` with $LIB, if its directory ends with `token`: "/usr/lib64/x.so", "lib64" -> "/usr/$LIB/x.so".
[[nodiscard]] std::optional<std::string> with_lib_token(const std::filesystem::path& library, std::string_view token);

// `word` with `token` in place of $LIB and ${LIB}.
[[nodiscard]] std::string expand_lib_token(std::string word, std::string_view token);

}  // namespace ctgate::preload

// SPDX-License-Identifier: GPL-2.0-or-later
// What an ELF file says about itself, as far as preloading is concerned (elf(5)). Files are untrusted: every offset is
// checked, nothing is cast, work is bounded whatever the headers claim, and what makes no sense is treated as absent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>

namespace ctgate::preload {

// Class, byte order and machine: the dynamic loader takes only libraries that match the program in all three.
struct ElfKind {
  bool is_64 = false;
  bool big_endian = false;
  std::uint16_t machine = 0;  // EM_*

  bool operator==(const ElfKind&) const = default;
  [[nodiscard]] std::string to_string() const;  // "64-bit x86-64", "32-bit machine 1234"
};

struct ElfFile {
  ElfKind kind;
  std::uint16_t type = 0;   // ET_*
  std::string interpreter;  // the dynamic loader, from PT_INTERP; empty: there is none
  bool go = false;          // made by the Go linker: has .go.buildinfo, or Go's note

  // Also true of a static-pie, and of a shared library, which nobody executes.
  [[nodiscard]] bool is_static() const { return interpreter.empty(); }
};

// Fills `into` from `offset` of a file; false where the file ends before that.
using ReadAt = std::function<bool(std::uint64_t offset, std::span<std::byte> into)>;

// Nothing if that is not an ELF file of a known class and byte order.
[[nodiscard]] std::optional<ElfFile> inspect(const ReadAt& read_at);
[[nodiscard]] std::optional<ElfFile> inspect(std::span<const std::byte> file);
[[nodiscard]] std::optional<ElfFile> inspect_file(const std::filesystem::path& path);  // regular files only

}  // namespace ctgate::preload

// SPDX-License-Identifier: GPL-2.0-or-later
// The ELF reader against any bytes: it reads within the file only, what it reports is there, and its work is bounded.
// Corpus: corpus/elf.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>
#include <vector>

#include "daemon/ctgate/preload/elf_file.hh"

namespace {

using ctgate::preload::ElfFile;
using ctgate::preload::inspect;
using ctgate::preload::ReadAt;

// Segments, and two reads for each of three names a section; far below what a hostile count could ask for.
constexpr unsigned most_reads = 8192;

void require(bool condition) {
  if (!condition) std::abort();
}

void check(std::string_view bytes, const ElfFile& file) {
  require(
      bytes.starts_with("\x7f"
                        "ELF"));
  require(bytes.find(file.interpreter) != std::string_view::npos);
  require(file.interpreter.find('\0') == std::string_view::npos);
  require(!file.go || bytes.find("Go") != std::string_view::npos || bytes.find(".go.build") != std::string_view::npos);
  require(!file.kind.to_string().empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<std::uint8_t> bytes(data, data + size);  // a copy of its own, for the sanitizer
  unsigned reads = 0;
  const ReadAt counted = [&](std::uint64_t offset, std::span<std::byte> into) {
    ++reads;
    if (offset > bytes.size() || into.size() > bytes.size() - offset) return false;
    const auto part = std::as_bytes(std::span(bytes)).subspan(static_cast<std::size_t>(offset), into.size());
    std::ranges::copy(part, into.begin());
    return true;
  };
  const auto file = inspect(counted);
  require(reads < most_reads);
  if (file) check({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, *file);
  require(inspect(std::as_bytes(std::span(bytes))).has_value() == file.has_value());
  return 0;
}

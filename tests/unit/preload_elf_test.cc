// SPDX-License-Identifier: GPL-2.0-or-later
// ELF files made by hand: both classes, both byte orders, and what can be wrong in them.
#include <elf.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <string>
#include <vector>

#include "daemon/ctgate/preload/elf_file.hh"

namespace ctgate::preload {
namespace {

using Bytes = std::vector<std::byte>;

template <typename T>
void put(Bytes& bytes, std::size_t at, const T& value) {
  if (bytes.size() < at + sizeof value) bytes.resize(at + sizeof value);
  std::memcpy(bytes.data() + at, &value, sizeof value);
}
void put_text(Bytes& bytes, std::size_t at, std::string_view text) {
  if (bytes.size() < at + text.size()) bytes.resize(at + text.size());
  std::memcpy(bytes.data() + at, text.data(), text.size());
}

constexpr std::size_t text_at = 0x400;   // interpreter, notes
constexpr std::size_t names_at = 0x500;  // of sections
constexpr std::size_t sections_at = 0x600;

struct Layout32 {
  using Header = Elf32_Ehdr;
  using Segment = Elf32_Phdr;
  using Section = Elf32_Shdr;
  static constexpr unsigned char file_class = ELFCLASS32;
};
struct Layout64 {
  using Header = Elf64_Ehdr;
  using Segment = Elf64_Phdr;
  using Section = Elf64_Shdr;
  static constexpr unsigned char file_class = ELFCLASS64;
};

template <typename Layout>
typename Layout::Header header(unsigned short segments, unsigned short sections) {
  typename Layout::Header result{};
  std::memcpy(result.e_ident, ELFMAG, SELFMAG);
  result.e_ident[EI_CLASS] = Layout::file_class;
  result.e_ident[EI_DATA] = std::endian::native == std::endian::little ? ELFDATA2LSB : ELFDATA2MSB;
  result.e_type = ET_DYN;
  result.e_machine = EM_X86_64;
  result.e_phoff = sizeof(result);
  result.e_phentsize = sizeof(typename Layout::Segment);
  result.e_phnum = segments;
  result.e_shoff = sections == 0 ? 0 : sections_at;
  result.e_shentsize = sizeof(typename Layout::Section);
  result.e_shnum = sections;
  return result;
}

// One segment with `text`.
template <typename Layout>
Bytes with_segment(std::uint32_t type, std::string_view text) {
  Bytes bytes;
  put(bytes, 0, header<Layout>(1, 0));
  typename Layout::Segment segment{};
  segment.p_type = type;
  segment.p_offset = text_at;
  segment.p_filesz = static_cast<decltype(segment.p_filesz)>(text.size());
  put(bytes, sizeof(typename Layout::Header), segment);
  put_text(bytes, text_at, text);
  return bytes;
}

// A section of names, and one with the name at the end of it.
template <typename Layout>
Bytes with_section(std::string_view name) {
  Bytes bytes;
  put(bytes, 0, header<Layout>(0, 2));
  const std::string names = std::string(".shstrtab") + '\0' + std::string(name) + '\0';
  typename Layout::Section section{};
  section.sh_offset = names_at;
  section.sh_size = static_cast<decltype(section.sh_size)>(names.size());
  put(bytes, sections_at, section);
  section = {};
  section.sh_name = 10;
  put(bytes, sections_at + sizeof section, section);
  put_text(bytes, names_at, names);
  return bytes;
}

std::string go_note(std::uint32_t type, std::string_view owner) {
  const std::array<std::uint32_t, 3> numbers{static_cast<std::uint32_t>(owner.size()), 3, type};
  std::string text(sizeof numbers, '\0');
  std::memcpy(text.data(), numbers.data(), sizeof numbers);
  return text + std::string(owner) + std::string("abc\0", 4);
}

constexpr std::string_view go("Go\0\0", 4);

TEST(ElfFile, ItsInterpreter) {
  const auto wide = inspect(with_segment<Layout64>(PT_INTERP, std::string_view("/lib64/ld.so.2\0", 15)));
  ASSERT_TRUE(wide);
  EXPECT_EQ(wide->interpreter, "/lib64/ld.so.2");
  EXPECT_FALSE(wide->is_static());
  EXPECT_TRUE(wide->kind.is_64);
  EXPECT_EQ(wide->kind.machine, EM_X86_64);
  EXPECT_EQ(wide->type, ET_DYN);
  const auto narrow = inspect(with_segment<Layout32>(PT_INTERP, "/lib/ld.so.2"));
  ASSERT_TRUE(narrow);
  EXPECT_EQ(narrow->interpreter, "/lib/ld.so.2");
  EXPECT_FALSE(narrow->kind.is_64);
  EXPECT_NE(narrow->kind, wide->kind);
}

TEST(ElfFile, WithoutInterpreterItIsStatic) {
  EXPECT_TRUE(inspect(with_segment<Layout64>(PT_LOAD, "x"))->is_static());
  EXPECT_TRUE(inspect(with_segment<Layout32>(PT_LOAD, "x"))->is_static());
}

TEST(ElfFile, GoByItsSections) {
  EXPECT_TRUE(inspect(with_section<Layout64>(".go.buildinfo"))->go);
  EXPECT_TRUE(inspect(with_section<Layout32>(".note.go.buildid"))->go);
  EXPECT_FALSE(inspect(with_section<Layout64>(".go.buildinfos"))->go);
  EXPECT_FALSE(inspect(with_section<Layout64>(".text"))->go);
}

TEST(ElfFile, GoByItsNote) {
  EXPECT_TRUE(inspect(with_segment<Layout64>(PT_NOTE, go_note(4, go)))->go);
  EXPECT_TRUE(inspect(with_segment<Layout32>(PT_NOTE, go_note(1, std::string_view("GNU\0", 4)) + go_note(4, go)))->go);
  EXPECT_FALSE(inspect(with_segment<Layout64>(PT_NOTE, go_note(3, go)))->go);
  EXPECT_FALSE(inspect(with_segment<Layout64>(PT_NOTE, go_note(4, std::string_view("GNU\0", 4))))->go);
}

TEST(ElfFile, OfTheOtherByteOrder) {
  Bytes bytes = with_segment<Layout64>(PT_LOAD, "x");
  Elf64_Ehdr changed = header<Layout64>(0, 0);
  changed.e_ident[EI_DATA] ^= ELFDATA2LSB ^ ELFDATA2MSB;
  changed.e_machine = static_cast<Elf64_Half>(EM_PPC64 << 8U);
  changed.e_type = ET_EXEC << 8U;
  put(bytes, 0, changed);
  const auto file = inspect(bytes);
  ASSERT_TRUE(file);
  EXPECT_EQ(file->kind.machine, EM_PPC64);
  EXPECT_EQ(file->type, ET_EXEC);
  EXPECT_EQ(file->kind.big_endian, std::endian::native == std::endian::little);
}

TEST(ElfFile, WhatIsNone) {
  EXPECT_FALSE(inspect(Bytes{}));
  const std::string script = "#!/bin/sh\n# long enough for the header of a file of this kind .........................";
  EXPECT_FALSE(inspect(std::as_bytes(std::span(script))));
  Bytes bytes = with_segment<Layout64>(PT_LOAD, "x");
  bytes[EI_CLASS] = std::byte{3};
  EXPECT_FALSE(inspect(bytes));
  bytes[EI_CLASS] = std::byte{ELFCLASS64};
  bytes[EI_DATA] = std::byte{0};
  EXPECT_FALSE(inspect(bytes));
}

TEST(ElfFile, CutAnywhere) {
  for (const Bytes& whole : {with_segment<Layout64>(PT_INTERP, "/lib/ld.so"), with_section<Layout32>(".go.buildinfo"),
                             with_segment<Layout64>(PT_NOTE, go_note(4, go))}) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      const auto file = inspect(cut);
      if (size < sizeof(Elf32_Ehdr)) {
        EXPECT_FALSE(file) << size;
      }
    }
  }
}

TEST(ElfFile, OffsetsThatWrapRound) {
  for (const std::uint64_t offset : {UINT64_MAX, UINT64_MAX - 4, std::uint64_t{1} << 63U}) {
    Bytes bytes = with_section<Layout64>(".go.buildinfo");
    Elf64_Ehdr wrong = header<Layout64>(9, 9);
    wrong.e_phoff = wrong.e_shoff = offset;
    put(bytes, 0, wrong);
    EXPECT_TRUE(inspect(bytes)->is_static());
    EXPECT_FALSE(inspect(bytes)->go);
  }
  Bytes bytes = with_segment<Layout64>(PT_INTERP, "/lib/ld.so");
  Elf64_Phdr segment{};
  segment.p_type = PT_INTERP;
  segment.p_offset = UINT64_MAX;
  segment.p_filesz = 4;
  put(bytes, sizeof(Elf64_Ehdr), segment);
  EXPECT_TRUE(inspect(bytes)->is_static());
}

TEST(ElfFile, ThisProgram) {
  const auto self = inspect_file("/proc/self/exe");
  ASSERT_TRUE(self);
  EXPECT_EQ(self->kind.is_64, sizeof(void*) == 8);
  EXPECT_FALSE(self->interpreter.empty());
  EXPECT_FALSE(self->go);
  EXPECT_FALSE(inspect_file("/dev/zero"));
  EXPECT_FALSE(inspect_file("/nonexistent"));
}

TEST(ElfKind, Text) {
  EXPECT_EQ((ElfKind{true, false, EM_X86_64}.to_string()), "64-bit x86-64");
  EXPECT_EQ((ElfKind{false, false, EM_386}.to_string()), "32-bit x86");
  EXPECT_EQ((ElfKind{false, false, 9999}.to_string()), "32-bit machine 9999");
}

}  // namespace
}  // namespace ctgate::preload

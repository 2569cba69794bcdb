// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/ctgate/preload/elf_file.hh"

#include <elf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "policy/base/file_descriptor.hh"

namespace ctgate::preload {
namespace {

// Programs stay far below these; they bound the work that a hostile file can make.
constexpr unsigned most_segments = 256;
constexpr unsigned most_sections = 1024;
constexpr std::size_t longest_interpreter = 4096;
constexpr std::uint64_t longest_notes = 4096;
constexpr std::string_view go_section = ".go.buildinfo";
constexpr std::string_view go_note_section = ".note.go.buildid";
constexpr std::string_view go_note_owner("Go\0\0", 4);
constexpr std::uint32_t go_note_type = 4;  // cmd/internal/buildid: ELF_NOTE_GOBUILDID_TAG

struct Layout32 {
  using Header = Elf32_Ehdr;
  using Segment = Elf32_Phdr;
  using Section = Elf32_Shdr;
};
struct Layout64 {
  using Header = Elf64_Ehdr;
  using Segment = Elf64_Phdr;
  using Section = Elf64_Shdr;
};

template <typename T>
T swapped(T value) {
  auto bytes = std::bit_cast<std::array<std::byte, sizeof(T)>>(value);
  std::ranges::reverse(bytes);
  return std::bit_cast<T>(bytes);
}

// Reads the structures of one file and turns their fields into the byte order of this machine.
class Reader {
 public:
  Reader(const ReadAt& read_at, bool foreign_order) : read_at_(read_at), foreign_order_(foreign_order) {}

  template <typename Structure>
  [[nodiscard]] std::optional<Structure> structure(std::uint64_t offset) const {
    static_assert(std::is_trivially_copyable_v<Structure>);
    std::array<std::byte, sizeof(Structure)> bytes{};
    if (!read_at_(offset, bytes)) return std::nullopt;
    return std::bit_cast<Structure>(bytes);
  }

  // A field of such a structure.
  template <typename T>
  [[nodiscard]] T field(T value) const {
    return foreign_order_ ? swapped(value) : value;
  }

  [[nodiscard]] std::string bytes(std::uint64_t offset, std::size_t size) const {
    std::string text(size, '\0');
    if (!read_at_(offset, std::as_writable_bytes(std::span(text)))) text.clear();
    return text;
  }

 private:
  const ReadAt& read_at_;
  bool foreign_order_;
};

// Entry `index` of a table; nothing where that would wrap round.
std::optional<std::uint64_t> entry_offset(std::uint64_t table, std::uint64_t entry_size, unsigned index) {
  const std::uint64_t distance = entry_size * index;  // 16 bits each
  if (table > UINT64_MAX - distance) return std::nullopt;
  return table + distance;
}

bool has_go_note(const Reader& reader, std::uint64_t offset, std::uint64_t size) {
  const std::string notes = reader.bytes(offset, static_cast<std::size_t>(std::min(size, longest_notes)));
  // Elf32_Nhdr and Elf64_Nhdr are the same; owner and description are padded to 4 bytes.
  const auto padded = [](std::uint32_t length) { return (std::uint64_t{length} + 3) & ~std::uint64_t{3}; };
  for (std::uint64_t at = 0; at + sizeof(Elf64_Nhdr) <= notes.size();) {
    Elf64_Nhdr note{};
    std::memcpy(&note, notes.data() + at, sizeof note);
    at += sizeof note;
    const std::uint64_t owner_size = padded(reader.field(note.n_namesz));
    if (owner_size > notes.size() - at) return false;
    const std::string_view owner = std::string_view(notes).substr(at, reader.field(note.n_namesz));
    if (owner == go_note_owner && reader.field(note.n_type) == go_note_type) return true;
    at += owner_size + padded(reader.field(note.n_descsz));
  }
  return false;
}

template <typename Layout>
void read_segments(const Reader& reader, const typename Layout::Header& header, ElfFile& file) {
  const unsigned count = std::min<unsigned>(reader.field(header.e_phnum), most_segments);
  for (unsigned i = 0; i < count; ++i) {
    const auto at = entry_offset(reader.field(header.e_phoff), reader.field(header.e_phentsize), i);
    const auto segment = at ? reader.structure<typename Layout::Segment>(*at) : std::nullopt;
    if (!segment) return;
    const std::uint64_t offset = reader.field(segment->p_offset);
    const std::uint64_t size = reader.field(segment->p_filesz);
    const auto type = reader.field(segment->p_type);
    if (type == PT_INTERP && file.interpreter.empty() && size <= longest_interpreter) {
      file.interpreter = reader.bytes(offset, static_cast<std::size_t>(size));
      file.interpreter.resize(std::min(file.interpreter.find('\0'), file.interpreter.size()));
    }
    if (type == PT_NOTE && !file.go) file.go = has_go_note(reader, offset, size);
  }
}

template <typename Layout>
bool has_go_section(const Reader& reader, const typename Layout::Header& header) {
  const std::uint64_t table = reader.field(header.e_shoff);
  const std::uint64_t entry_size = reader.field(header.e_shentsize);
  const auto section = [&](unsigned index) {
    const auto at = entry_offset(table, entry_size, index);
    return at ? reader.structure<typename Layout::Section>(*at) : std::nullopt;
  };
  if (table == 0) return false;
  const auto names = section(reader.field(header.e_shstrndx));
  if (!names) return false;
  const unsigned count = std::min<unsigned>(reader.field(header.e_shnum), most_sections);
  for (unsigned i = 0; i < count; ++i) {
    const auto entry = section(i);
    if (!entry) return false;
    const std::uint64_t name = reader.field(entry->sh_name);
    const std::uint64_t at = reader.field(names->sh_offset);
    if (name >= reader.field(names->sh_size) || at > UINT64_MAX - name) continue;
    for (const std::string_view wanted : {go_section, go_note_section}) {
      const std::string found = reader.bytes(at + name, wanted.size() + 1);
      if (!found.empty() && found == std::string(wanted) + '\0') return true;
    }
  }
  return false;
}

template <typename Layout>
std::optional<ElfFile> inspect_as(const ReadAt& read_at, ElfKind kind) {
  const Reader reader(read_at, kind.big_endian != (std::endian::native == std::endian::big));
  const auto header = reader.structure<typename Layout::Header>(0);
  if (!header) return std::nullopt;
  ElfFile file;
  kind.machine = reader.field(header->e_machine);
  file.kind = kind;
  file.type = reader.field(header->e_type);
  read_segments<Layout>(reader, *header, file);
  if (!file.go) file.go = has_go_section<Layout>(reader, *header);
  return file;
}

std::string machine_name(std::uint16_t machine) {
  constexpr std::array<std::pair<std::uint16_t, const char*>, 10> names{{{EM_X86_64, "x86-64"},
                                                                         {EM_386, "x86"},
                                                                         {EM_AARCH64, "ARM"},
                                                                         {EM_ARM, "ARM"},
                                                                         {EM_PPC64, "PowerPC"},
                                                                         {EM_PPC, "PowerPC"},
                                                                         {EM_S390, "S/390"},
                                                                         {EM_RISCV, "RISC-V"},
                                                                         {EM_MIPS, "MIPS"},
                                                                         {EM_SPARCV9, "SPARC"}}};
  for (const auto& [number, name] : names) {
    if (number == machine) return name;
  }
  return fmt::format("machine {}", machine);
}

}  // namespace

std::string ElfKind::to_string() const {
  return fmt::format("{}-bit {}", is_64 ? 64 : 32, machine_name(machine));
}

std::optional<ElfFile> inspect(const ReadAt& read_at) {
  std::array<std::byte, EI_NIDENT> identity{};
  if (!read_at(0, identity) || std::memcmp(identity.data(), ELFMAG, SELFMAG) != 0) return std::nullopt;
  const auto file_class = std::to_integer<unsigned>(identity[EI_CLASS]);
  const auto order = std::to_integer<unsigned>(identity[EI_DATA]);
  if (order != ELFDATA2LSB && order != ELFDATA2MSB) return std::nullopt;
  const ElfKind kind{.is_64 = file_class == ELFCLASS64, .big_endian = order == ELFDATA2MSB};
  if (file_class == ELFCLASS32) return inspect_as<Layout32>(read_at, kind);
  if (file_class == ELFCLASS64) return inspect_as<Layout64>(read_at, kind);
  return std::nullopt;
}

std::optional<ElfFile> inspect(std::span<const std::byte> file) {
  return inspect(ReadAt([file](std::uint64_t offset, std::span<std::byte> into) {
    if (offset > file.size() || into.size() > file.size() - offset) return false;
    std::ranges::copy(file.subspan(static_cast<std::size_t>(offset), into.size()), into.begin());
    return true;
  }));
}

std::optional<ElfFile> inspect_file(const std::filesystem::path& path) {
  // O_NONBLOCK: not to wait for the writer of a FIFO.
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  return inspect(ReadAt([&file](std::uint64_t offset, std::span<std::byte> into) {
    if (offset > static_cast<std::uint64_t>(INT64_MAX)) return false;
    return ::pread(file.get(), into.data(), into.size(), static_cast<off_t>(offset)) ==
           static_cast<ssize_t>(into.size());
  }));
}

}  // namespace ctgate::preload

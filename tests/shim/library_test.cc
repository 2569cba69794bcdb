// SPDX-License-Identifier: GPL-2.0-or-later
// libctgate.so as a file: what it needs, what it exports, and that the dynamic loader takes it.
#include <elf.h>
#include <gtest/gtest.h>
#include <link.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "policy/base/run_program.hh"

namespace ctgate::test {
namespace {

struct Symbol {
  std::string name, version;  // version: "" for none
  bool defined = false;
};

// A shared object of this machine's own kind that the build has just made; see elf(5).
class SharedObject {
 public:
  explicit SharedObject(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    bytes_.assign(std::istreambuf_iterator<char>(file), {});
    header_ = at<ElfW(Ehdr)>(0, 1).front();
    if (std::memcmp(header_.e_ident, ELFMAG, SELFMAG) != 0) throw std::runtime_error(path + " is no ELF file");
    segments_ = at<ElfW(Phdr)>(header_.e_phoff, header_.e_phnum);
    sections_ = at<ElfW(Shdr)>(header_.e_shoff, header_.e_shnum);
    const auto& dynamic = section(SHT_DYNAMIC);
    dynamic_ = at<ElfW(Dyn)>(dynamic.sh_offset, dynamic.sh_size / sizeof(ElfW(Dyn)));
    strings_ = sections_.at(dynamic.sh_link).sh_offset;
  }

  [[nodiscard]] const std::vector<ElfW(Phdr)>& segments() const { return segments_; }

  [[nodiscard]] std::vector<std::string> needed() const {
    std::vector<std::string> names;
    for (const auto& entry : dynamic_) {
      if (entry.d_tag == DT_NEEDED) names.push_back(string(entry.d_un.d_val));
    }
    return names;
  }

  // 0 if there is no such entry.
  [[nodiscard]] ElfW(Xword) dynamic(ElfW(Sxword) tag) const {
    const auto found =
        std::find_if(dynamic_.begin(), dynamic_.end(), [&](const auto& entry) { return entry.d_tag == tag; });
    return found == dynamic_.end() ? 0 : found->d_un.d_val;
  }
  [[nodiscard]] bool has(ElfW(Sxword) tag) const {
    return std::any_of(dynamic_.begin(), dynamic_.end(), [&](const auto& entry) { return entry.d_tag == tag; });
  }

  // The dynamic symbol table, without local symbols.
  [[nodiscard]] std::vector<Symbol> symbols() const {
    const auto& table = section(SHT_DYNSYM);
    const auto entries = at<ElfW(Sym)>(table.sh_offset, table.sh_size / sizeof(ElfW(Sym)));
    const auto versions = at<ElfW(Half)>(section(SHT_GNU_versym).sh_offset, entries.size());
    const auto names = version_names();
    std::vector<Symbol> result;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (ELF64_ST_BIND(entries[i].st_info) == STB_LOCAL) continue;
      const auto version = names.find(versions[i] & 0x7fff);
      result.push_back({string(entries[i].st_name), version == names.end() ? "" : version->second,
                        entries[i].st_shndx != SHN_UNDEF});
    }
    return result;
  }

 private:
  template <typename T>
  [[nodiscard]] std::vector<T> at(std::size_t offset, std::size_t count) const {
    if (offset > bytes_.size() || count > (bytes_.size() - offset) / sizeof(T)) throw std::runtime_error("cut short");
    std::vector<T> values(count);
    std::memcpy(values.data(), bytes_.data() + offset, count * sizeof(T));
    return values;
  }
  [[nodiscard]] std::string string(std::size_t offset) const { return bytes_.data() + strings_ + offset; }

  [[nodiscard]] const ElfW(Shdr) * find_section(ElfW(Word) type) const {
    const auto found =
        std::find_if(sections_.begin(), sections_.end(), [&](const auto& one) { return one.sh_type == type; });
    return found == sections_.end() ? nullptr : &*found;
  }
  [[nodiscard]] const ElfW(Shdr) & section(ElfW(Word) type) const {
    const auto* found = find_section(type);
    if (found == nullptr) throw std::runtime_error("a section is missing");
    return *found;
  }

  // By their numbers in SHT_GNU_versym: those that it needs and, from 2 on, those that it defines.
  [[nodiscard]] std::map<unsigned, std::string> version_names() const {
    std::map<unsigned, std::string> names;
    const auto& needs = section(SHT_GNU_verneed);
    std::size_t library_at = needs.sh_offset;
    for (unsigned i = 0; i < needs.sh_info; ++i) {
      const auto library = at<ElfW(Verneed)>(library_at, 1).front();
      std::size_t version_at = library_at + library.vn_aux;
      for (unsigned j = 0; j < library.vn_cnt; ++j) {
        const auto version = at<ElfW(Vernaux)>(version_at, 1).front();
        names[version.vna_other] = string(version.vna_name);
        version_at += version.vna_next;
      }
      library_at += library.vn_next;
    }
    if (const auto* definitions = find_section(SHT_GNU_verdef); definitions != nullptr) {
      std::size_t definition_at = definitions->sh_offset;
      for (unsigned i = 0; i < definitions->sh_info; ++i) {
        const auto definition = at<ElfW(Verdef)>(definition_at, 1).front();
        const auto name = at<ElfW(Verdaux)>(definition_at + definition.vd_aux, 1).front();
        if (definition.vd_ndx > 1) names[definition.vd_ndx] = string(name.vda_name);
        definition_at += definition.vd_next;
      }
    }
    return names;
  }

  std::vector<char> bytes_;
  ElfW(Ehdr) header_;
  std::vector<ElfW(Phdr)> segments_;
  std::vector<ElfW(Shdr)> sections_;
  std::vector<ElfW(Dyn)> dynamic_;
  std::size_t strings_ = 0;  // where the dynamic string table begins
};

const std::set<std::string>& expected_exports() {
  static const std::set<std::string> names{
      "send",        "sendto", "sendmsg", "sendmmsg",   "write",       "writev",       "socket",
      "getaddrinfo", "prctl",  "__send",  "__sendmmsg", "__sendmsg64", "__sendmmsg64", "__nss_configure_lookup"};
  return names;
}

// Sanitizers bring their own run-time library along.
class ShimLibrary : public ::testing::Test {
 protected:
  void SetUp() override {
    if (*CTGATE_SANITIZE != '\0') GTEST_SKIP() << "built with -fsanitize=" CTGATE_SANITIZE;
  }
};

TEST_F(ShimLibrary, NeedsLibcOnly) {
  EXPECT_EQ(SharedObject(CTGATE_LIBRARY).needed(), std::vector<std::string>{"libc.so.6"});
}

// Lazy binding would run the dynamic loader, with its locks, inside a signal handler's first send.
TEST_F(ShimLibrary, BindsAtStart) {
  const SharedObject library(CTGATE_LIBRARY);
  EXPECT_TRUE(library.has(DT_BIND_NOW) || (library.dynamic(DT_FLAGS) & DF_BIND_NOW) != 0);
  EXPECT_NE(library.dynamic(DT_FLAGS_1) & DF_1_NOW, 0U);
  EXPECT_FALSE(library.has(DT_TEXTREL));
  EXPECT_EQ(library.dynamic(DT_FLAGS) & DF_TEXTREL, 0U);
}

TEST_F(ShimLibrary, ExportsTheHooksAndNothingElse) {
  std::set<std::string> exports;
  for (const auto& symbol : SharedObject(CTGATE_LIBRARY).symbols()) {
    if (!symbol.defined) continue;
    exports.insert(symbol.name);
    EXPECT_EQ(symbol.version, "") << symbol.name;
  }
  EXPECT_EQ(exports, expected_exports());
}

// "GLIBC_2.2.5" -> {2, 2, 5}; empty: no version of glibc.
std::vector<int> glibc_version(const std::string& version) {
  const std::string prefix = "GLIBC_";
  std::vector<int> numbers;
  if (version.rfind(prefix, 0) != 0) return numbers;
  std::istringstream words(version.substr(prefix.size()));
  for (std::string word; std::getline(words, word, '.');) numbers.push_back(std::stoi(word));
  return numbers;
}

TEST_F(ShimLibrary, LoadsWithOldLibcs) {
  // What aarch64 began with, and x86-64 had in 2012.
  const std::vector<int> oldest{2, 17};
  // The C++ run-time library's, and the compiler's.
  const auto foreign = [](const std::string& name) {
    return name.rfind("_Z", 0) == 0 || name.rfind("__cxa_", 0) == 0 || name.rfind("__gxx_", 0) == 0 ||
           name.rfind("_Unwind_", 0) == 0;
  };
  const std::set<std::string> harmless{"__cxa_finalize"};  // libc's own, weak, of the start files
  for (const auto& symbol : SharedObject(CTGATE_LIBRARY).symbols()) {
    if (symbol.defined) continue;
    EXPECT_FALSE(foreign(symbol.name) && harmless.count(symbol.name) == 0) << symbol.name;
    if (symbol.version.empty()) continue;
    const auto version = glibc_version(symbol.version);
    EXPECT_FALSE(version.empty()) << symbol.name << '@' << symbol.version;
    EXPECT_LE(version, oldest) << symbol.name << '@' << symbol.version;
  }
}

TEST_F(ShimLibrary, HasNoMemoryToWriteAndExecute) {
  bool stack = false;
  const SharedObject library(CTGATE_LIBRARY);
  for (const auto& segment : library.segments()) {
    const bool loaded = segment.p_type == PT_LOAD || segment.p_type == PT_GNU_STACK;
    EXPECT_FALSE(loaded && (segment.p_flags & PF_W) != 0 && (segment.p_flags & PF_X) != 0);
    stack |= segment.p_type == PT_GNU_STACK;
  }
  EXPECT_TRUE(stack) << "without PT_GNU_STACK the program's stack becomes executable";
}

// The libraries that the loader has for each function of a program under `preload`.
std::map<std::string, std::string> bindings(const std::string& preload) {
  const auto result = run_program({"env", "LD_PRELOAD=" + preload, SHIM_BINDINGS});
  if (!result || result->exit_code != 0) throw std::runtime_error("shim_bindings fails");
  std::map<std::string, std::string> libraries;
  std::istringstream words(result->output);
  for (std::string name, library; words >> name >> library;) libraries[name] = library;
  return libraries;
}

TEST_F(ShimLibrary, IsWhatProgramsCall) {
  const auto libraries = bindings(CTGATE_LIBRARY);
  EXPECT_EQ(libraries.size(), 9U);
  for (const auto& [name, library] : libraries) EXPECT_EQ(library, "libctgate.so") << name;
}

// The reason why libctgate.map has no name in front of its braces.
TEST_F(ShimLibrary, WouldBePassedOverWithANamedVersion) {
  std::size_t named = 0;
  for (const auto& symbol : SharedObject(SHIM_NAMED).symbols()) named += symbol.version == "CTGATE_1" ? 1 : 0;
  ASSERT_GE(named, expected_exports().size());
  const auto libraries = bindings(SHIM_NAMED);
  EXPECT_EQ(libraries.size(), 9U);
  for (const auto& [name, library] : libraries) EXPECT_EQ(library.rfind("libc.so", 0), 0U) << name << ' ' << library;
}

}  // namespace
}  // namespace ctgate::test

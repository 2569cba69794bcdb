// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/ctgate/preload/library.hh"

#include <elf.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <chrono>
#include <sstream>
#include <system_error>
#include <vector>

#include "policy/base/run_program.hh"

namespace ctgate::preload {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds loader_limit{10};
constexpr std::array<std::string_view, 2> tokens{"$LIB", "${LIB}"};

// The loaders of 32-bit programs on 64-bit systems, by their ABIs.
std::optional<fs::path> find_other_loader(const ElfKind& kind) {
  std::vector<const char*> candidates;
  if (kind.is_64 && kind.machine == EM_X86_64) candidates = {"/lib/ld-linux.so.2"};
  if (kind.is_64 && kind.machine == EM_AARCH64) candidates = {"/lib/ld-linux-armhf.so.3", "/lib/ld-linux.so.3"};
  if (kind.is_64 && kind.machine == EM_S390) candidates = {"/lib/ld.so.1"};
  for (const char* candidate : candidates) {
    const auto loader = inspect_file(candidate);
    if (loader && !loader->kind.is_64) return candidate;
  }
  return std::nullopt;
}

// Completes `library` where its sibling for the other word size is in place.
void use_lib_token(Library& library) {
  const auto loader = own_loader();
  const auto own_token = loader ? lib_token(*loader) : std::nullopt;
  const auto other_token = own_token ? lib_token(*library.other_loader) : std::nullopt;
  if (!other_token || *other_token == *own_token) return;
  const auto word = with_lib_token(library.path, *own_token);
  if (!word) return;
  const fs::path sibling = expand_lib_token(*word, *other_token);
  const auto elf = inspect_file(sibling);
  if (!elf || elf->type != ET_DYN || elf->kind.is_64) return;
  library.word = *word;
  library.other_path = sibling;
  library.other_kind = elf->kind;
}

}  // namespace

Expected<fs::path> find_library(const std::string& named) {
  std::error_code failed;
  if (!named.empty()) {
    if (!fs::exists(named, failed)) return system_error(fmt::format("{}: there is no such library", named));
    return fs::absolute(named).lexically_normal();
  }
  std::vector<fs::path> places;
  if (const fs::path program = fs::read_symlink("/proc/self/exe", failed); !failed) {
    const fs::path prefix = program.parent_path().parent_path();
    places = {prefix / CTGATE_LIBDIR / library_name, prefix / "lib" / library_name};
  }
  places.push_back(fs::path(CTGATE_FULL_LIBDIR) / library_name);
  std::string list;
  for (const auto& place : places) {
    if (fs::is_regular_file(place, failed)) return place.lexically_normal();
    if (list.find(place.string()) == std::string::npos) list += (list.empty() ? "" : ", ") + place.string();
  }
  return system_error(fmt::format("cannot find {}; looked for {}. Install it, or use --library", library_name, list));
}

Expected<Library> open_library(const fs::path& path) {
  const std::string& text = path.native();
  if (text.find_first_of(" \t\n\r:#$") != std::string::npos) {
    return system_error(fmt::format(
        "{}: ld.so cannot load a library whose path has white space, ':', '#' or '$' in it; move it", text));
  }
  const auto elf = inspect_file(path);
  if (!elf || elf->type != ET_DYN) return system_error(fmt::format("{} is not a shared library", text));
  Library library{
      .path = path, .kind = elf->kind, .word = text, .other_loader = {}, .other_path = {}, .other_kind = {}};
  library.other_loader = find_other_loader(library.kind);
  if (library.other_loader) use_lib_token(library);
  return library;
}

std::optional<std::string> lib_token(const fs::path& loader) {
  const std::vector<std::string> no_variables;
  const auto answer = run_program({loader.string(), "--list-diagnostics"},
                                  {.environment = no_variables, .errors_apart = true, .limit = loader_limit});
  if (!answer || answer->exit_code != 0) return std::nullopt;
  constexpr std::string_view key = "dl_dst_lib=\"";
  std::istringstream lines(answer->output);
  for (std::string line; std::getline(lines, line);) {
    if (line.size() > key.size() + 1 && line.starts_with(key) && line.back() == '"') {
      return line.substr(key.size(), line.size() - key.size() - 1);
    }
  }
  return std::nullopt;
}

std::optional<fs::path> own_loader() {
  const auto self = inspect_file("/proc/self/exe");
  if (!self || self->interpreter.empty()) return std::nullopt;
  return self->interpreter;
}

std::optional<std::string> with_lib_token(const fs::path& library, std::string_view token) {
  const std::string directory = library.parent_path().string();
  if (token.empty() || !directory.ends_with(fmt::format("/{}", token))) return std::nullopt;
  return directory.substr(0, directory.size() - token.size()) + "$LIB/" + library.filename().string();
}

std::string expand_lib_token(std::string word, std::string_view token) {
  for (const std::string_view name : tokens) {
    for (auto at = word.find(name); at != std::string::npos; at = word.find(name, at + token.size())) {
      word.replace(at, name.size(), token);
    }
  }
  return word;
}

}  // namespace ctgate::preload

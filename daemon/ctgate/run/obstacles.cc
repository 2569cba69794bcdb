// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/ctgate/run/obstacles.hh"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "daemon/ctgate/run/executed_file.hh"

namespace ctgate::preload {
namespace {

namespace fs = std::filesystem;

// What makes the kernel set AT_SECURE for this caller (security/commoncap.c, cap_bprm_creds_from_file): privileges that
// the caller has already change nothing, and root gains nothing from capabilities.
std::string privileges_gained(const fs::path& file) {
  struct stat status {};
  struct statvfs mount {};
  if (::stat(file.c_str(), &status) != 0) return {};
  const bool ignored = ::statvfs(file.c_str(), &mount) == 0 && (mount.f_flag & ST_NOSUID) != 0;
  if (ignored || ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1) return {};
  constexpr mode_t set_group = S_ISGID | S_IXGRP;  // without x it was mandatory locking
  if ((status.st_mode & S_ISUID) != 0 && status.st_uid != ::getuid()) return "set-user-ID";
  if ((status.st_mode & set_group) == set_group && status.st_gid != ::getgid()) return "set-group-ID";
  if (::getuid() != 0 && ::getxattr(file.c_str(), "security.capability", nullptr, 0) > 0) return "file capabilities";
  return {};
}

// A dynamic loader that was called as a program loads what it is told to, preloaded libraries too.
bool is_glibc_loader(const fs::path& file) {
  std::error_code failed;
  const fs::path real = fs::canonical(file, failed);
  return !failed && !foreign_libc(real.filename().string());
}

}  // namespace

std::optional<std::string> foreign_libc(const std::string& interpreter) {
  const std::string name = fs::path(interpreter).filename().string();
  constexpr std::array<std::string_view, 4> glibc{"ld-linux", "ld64.so.", "ld.so.", "ld-2."};
  if (std::ranges::any_of(glibc, [&](std::string_view start) { return name.starts_with(start); })) return std::nullopt;
  if (name.starts_with("ld-musl")) return "musl";
  return interpreter;
}

Program examine_program(const fs::path& file, const char* path) {
  const auto chain = follow_scripts(file, path);
  Program program{.name = file.string(), .elf = inspect_file(chain.back()), .privileges = {}};
  // The bits of a script count for nothing, those of what runs it do.
  program.privileges = privileges_gained(chain.back());
  if (chain.size() > 1) program.name += fmt::format(" (run by {})", chain.back().string());
  if (program.elf && program.elf->is_static() && is_glibc_loader(chain.back())) program.elf.reset();
  return program;
}

std::vector<std::string> obstacles(const Program& program, const Library& library) {
  std::vector<std::string> lines;
  constexpr std::string_view not_gated = "its datagrams are not gated; use ctgated instead";
  if (program.elf && program.elf->go) {
    lines.push_back(
        fmt::format("{} is a Go program, which makes system calls without libc: {}", program.name, not_gated));
  }
  if (program.elf && program.elf->is_static()) {
    if (lines.empty()) {
      lines.push_back(
          fmt::format("{} is statically linked, so no library can be preloaded: {}", program.name, not_gated));
    }
    return lines;  // nothing loads libraries here
  }
  if (!program.privileges.empty()) {
    lines.push_back(
        fmt::format("{} gains privileges ({}), so ld.so ignores LD_PRELOAD: its datagrams are not gated; use "
                    "`ctgate preload enable` or ctgated instead",
                    program.name, program.privileges));
  }
  if (!program.elf) return lines;
  if (const auto libc = foreign_libc(program.elf->interpreter)) {
    lines.push_back(fmt::format("{} runs on another C library ({}), and {} needs glibc: {}", program.name, *libc,
                                library.path.string(), not_gated));
  } else if (program.elf->kind != library.kind && program.elf->kind != library.other_kind) {
    lines.push_back(fmt::format("{} is a {} program and {} a {} library, which ld.so refuses to load: {}", program.name,
                                program.elf->kind.to_string(), library.path.string(), library.kind.to_string(),
                                not_gated));
  }
  return lines;
}

}  // namespace ctgate::preload

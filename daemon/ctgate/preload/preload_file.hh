// SPDX-License-Identifier: GPL-2.0-or-later
// /etc/ld.so.preload: the one file that every dynamically linked program of the system reads at its start. Changes are
// atomic: a new file is written next to it (mode 0644 whatever the umask is), synced and renamed, so a program that
// starts meanwhile, or after a crash, sees the old text or the new.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/ctgate/preload/preload_edit.hh"
#include "policy/base/error.hh"

namespace ctgate::preload {

inline constexpr std::string_view default_preload_file = "/etc/ld.so.preload";

enum class Change { none, written, removed };

// Adds `entry`, or moves ours to it; also corrects the file's mode. Where `file` is a symbolic link, its target is
// replaced and the link stays. Errors: ExitCode::system, and ExitCode::problem for a file that is not one of ld.so's.
[[nodiscard]] Expected<Change> enable_preload(const std::filesystem::path& file, std::string_view entry,
                                              const IsOurs& is_ours);

// Removes our entries. A file with nothing else in it is removed, unless `file` is a link to it: then it stays, empty.
[[nodiscard]] Expected<Change> disable_preload(const std::filesystem::path& file, const IsOurs& is_ours);

struct PreloadStatus {
  bool exists = false;
  std::vector<std::string> ours;      // entries
  std::vector<std::string> foreign;   // entries
  std::vector<std::string> problems;  // each a sentence
};

// What is in the file and what is wrong with it: mode, owner, a missing library, an entry twice, a comment that ld.so
// takes for names. `lib_token`: what ld.so substitutes for $LIB; may be empty.
[[nodiscard]] Expected<PreloadStatus> preload_status(const std::filesystem::path& file, const IsOurs& is_ours,
                                                     std::string_view lib_token);

}  // namespace ctgate::preload

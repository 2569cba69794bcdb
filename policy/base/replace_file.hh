// SPDX-License-Identifier: GPL-2.0-or-later
// Replacing a file as a whole.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace ctgate {

struct ReplaceOptions {
  mode_t mode = 0644;            // whatever the umask is
  std::optional<uid_t> owner{};  // and group of the same number; nothing: as any new file of the caller's
  // What is put behind the file's name for the new one, which is written beside it: rename(2) does not cross file
  // systems. With a suffix of its own, what an interrupted run has left there is overwritten, so two callers must not
  // work at the same time. Nothing: a name that nobody else has.
  std::optional<std::string_view> suffix{};
};

struct ReplaceFailure {
  std::string_view step;  // for a message: "rename"
  int error = 0;          // errno
};

// Makes or replaces the file at `path`, links not followed: whoever opens it, also after a crash, sees the old content
// or the new one, and a mapping of the old one stays as it is. On disk when it returns. After a failure the file is as
// it was and no other is left behind; only where its directory could not be synced, the new one is there.
[[nodiscard]] tl::expected<void, ReplaceFailure> replace_file(const std::filesystem::path& path,
                                                              std::string_view content,
                                                              const ReplaceOptions& options = {});

// Makes what happened to the names in a directory last, where the file system can. The errno value of the failure, or
// 0.
[[nodiscard]] int sync_directory(const std::filesystem::path& directory);

}  // namespace ctgate

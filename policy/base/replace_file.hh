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
  // Appended to the file's name for the new one, which is written next to it: rename(2) does not cross file systems.
  // With a fixed suffix, what an interrupted run has left there is overwritten, so two callers must not work at the
  // same time. Nothing: a unique name.
  std::optional<std::string_view> suffix{};
};

struct ReplaceFailure {
  std::string_view step;  // for a message: "rename"
  int error = 0;          // errno
};

// Makes or replaces the file at `path`, links not followed: whoever opens it, even after a crash, sees the old content
// or the new, and a mapping of the old file stays as it is. On disk when it returns. After a failure the file is as it
// was and no other is left behind, except that the new one is in place if only its directory could not be synced.
[[nodiscard]] tl::expected<void, ReplaceFailure> replace_file(const std::filesystem::path& path,
                                                              std::string_view content,
                                                              const ReplaceOptions& options = {});

// Makes changes to the names in a directory durable, where the file system can. Returns the failure's errno value, or
// 0.
[[nodiscard]] int sync_directory(const std::filesystem::path& directory);

}  // namespace ctgate

// SPDX-License-Identifier: GPL-2.0-or-later
// Files with a policy image (policy/image/image.hh): writing one while programs have it mapped, and reading one to show
// it. The preload library has its own reader, which also checks owner and mode.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "policy/base/error.hh"
#include "policy/image/image.hh"

namespace ctgate {

// Makes or replaces the file at `path`: whoever opens it sees the old image or the new one, and a mapping of the old
// one stays as it is. Readable by all (mode 0644, whatever the umask is), as are the missing directories above it,
// which are made (0755). On disk when it returns. On an error (ExitCode::system) the file is as it was, and no other is
// left behind (but see replace_file()). Anything but a regular file, such as /dev/null or a symbolic link, is refused
// rather than replaced.
[[nodiscard]] Expected<void> write_image(const std::filesystem::path& path, std::span<const std::byte> image);

// The content of the file at `path`, unchecked, aligned as View::open wants it. Errors (ExitCode::usage): it can't be
// read, or is larger than image::largest_image.
[[nodiscard]] Expected<std::vector<std::byte>> read_image(const std::filesystem::path& path);

// What is wrong with a file, as the end of a sentence that begins with its name: "is damaged: ...".
[[nodiscard]] std::string_view to_string(image::Fault fault);

}  // namespace ctgate

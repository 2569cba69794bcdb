// SPDX-License-Identifier: GPL-2.0-or-later
// A policy file as the image that CTGATE_POLICY names.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "policy/base/error.hh"

namespace ctgate::preload {

// This user's private directory for images: $XDG_RUNTIME_DIR/ctgate, or /tmp/ctgate-UID where that is not set. Made if
// it is missing, mode 0700. Refused (ExitCode::system) if it is a symbolic link, another user's, or open to others: in
// /tmp anyone could have made it before us.
[[nodiscard]] Expected<std::filesystem::path> private_directory();

// Puts an image there under the name of its content, so that the same policy is written once and nothing that a running
// program has mapped is ever changed. Returns the file's path.
[[nodiscard]] Expected<std::filesystem::path> store_image(std::span<const std::byte> image);

// The absolute path of an image for `file`: `file` itself if it is an image, else that of the policy in it, compiled
// and stored. ExitCode::usage if the file is wrong.
[[nodiscard]] Expected<std::filesystem::path> image_of(const std::string& file);

}  // namespace ctgate::preload

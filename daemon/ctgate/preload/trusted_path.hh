// SPDX-License-Identifier: GPL-2.0-or-later
// Who may replace a file that every program of the system is going to load.
#pragma once

#include <filesystem>

#include "policy/base/error.hh"

namespace ctgate::preload {

// Fine if only root can change or replace the regular file at `path`, an absolute path: the file, every directory and
// every symbolic link on the way there, and where those lead, belong to root, and nobody else may write to them.
// A sticky directory such as /tmp passes: others cannot replace what root owns in it. The error (ExitCode::problem)
// names what is wrong and the command that fixes it. Access lists count: they show in the group's bits (acl(5)).
[[nodiscard]] Expected<void> only_root_can_replace(const std::filesystem::path& path);

}  // namespace ctgate::preload

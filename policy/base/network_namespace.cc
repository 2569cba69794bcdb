// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/base/network_namespace.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>

#include <cerrno>

#include "policy/base/file_descriptor.hh"

namespace ctgate {

Expected<void> enter_network_namespace(const std::string& name_or_path) {
  if (name_or_path.empty()) return {};
  const std::string path = name_or_path.find('/') == std::string::npos ? "/run/netns/" + name_or_path : name_or_path;
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return errno_error(fmt::format("network namespace {}", path), errno);
  if (setns(file.get(), CLONE_NEWNET) != 0) {
    return errno_error(fmt::format("enter network namespace {} (needs CAP_SYS_ADMIN)", path), errno);
  }
  return {};
}

}  // namespace ctgate

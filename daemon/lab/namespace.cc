// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/lab/namespace.hh"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <filesystem>
#include <system_error>

#include "daemon/lab/sandbox.hh"
#include "daemon/rules/nft.hh"

namespace ctgate::lab {
namespace {

constexpr const char* own_namespace = "/proc/thread-self/ns/net";

FileDescriptor open_own_namespace() {
  return FileDescriptor(::open(own_namespace, O_RDONLY | O_CLOEXEC));
}

std::string path_of(const std::string& name) {
  return (std::filesystem::path(namespace_directory) / name).string();
}

}  // namespace

Expected<NetworkNamespace> NetworkNamespace::create(std::string_view role) {
  std::string name = unique_name(role);
  const std::string path = path_of(name);
  const FileDescriptor home = open_own_namespace();
  if (!home) return errno_error(std::string("open ") + own_namespace, errno);
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444));
  if (!file) return errno_error("make " + path, errno);
  if (::unshare(CLONE_NEWNET) != 0) {
    const int error = errno;
    ::unlink(path.c_str());
    return errno_error("make a network namespace", error);
  }
  FileDescriptor handle = open_own_namespace();
  const bool mounted = ::mount(own_namespace, path.c_str(), nullptr, MS_BIND, nullptr) == 0;
  const int error = errno;
  if (::setns(home.get(), CLONE_NEWNET) != 0) std::terminate();  // the thread would go on in the wrong place
  NetworkNamespace result(std::move(name), std::move(handle));
  if (!mounted || !result.handle_) return errno_error("bind the network namespace to " + path, error);
  return result;
}

NetworkNamespace::~NetworkNamespace() {
  if (name_.empty()) return;
  ::umount2(path_of(name_).c_str(), MNT_DETACH);
  ::unlink(path_of(name_).c_str());
}

Expected<void> NetworkNamespace::set_sysctl(const std::string& key, std::string_view value) const {
  // /proc/sys/net shows the network namespace of the thread that opens it.
  return run([&]() -> Expected<void> {
    const FileDescriptor file(::open(("/proc/sys/" + key).c_str(), O_WRONLY | O_CLOEXEC));
    if (!file || ::write(file.get(), value.data(), value.size()) < 0) {
      return errno_error("write '" + std::string(value) + "' to /proc/sys/" + key, errno);
    }
    return {};
  });
}

Expected<std::string> NetworkNamespace::nft(const std::string& commands) const {
  // The context is made inside too: libnftables opens its netlink socket in nft_ctx_new().
  return run([&] { return rules::Nft().run(commands); });
}

NetworkNamespace::Inside::Inside(int target) : home_(open_own_namespace()) {
  if (!home_ || ::setns(target, CLONE_NEWNET) != 0) {
    throw std::system_error(errno, std::generic_category(), "enter a network namespace");
  }
}

NetworkNamespace::Inside::~Inside() {
  if (::setns(home_.get(), CLONE_NEWNET) != 0) std::terminate();  // the thread would go on in the wrong place
}

}  // namespace ctgate::lab

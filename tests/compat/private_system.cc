// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/compat/private_system.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <stdexcept>

#include "daemon/lab/sandbox.hh"
#include "policy/base/file_descriptor.hh"
#include "policy/base/io.hh"
#include "policy/base/process.hh"
#include "policy/base/run_program.hh"

namespace ctgate::test {
namespace {

namespace fs = std::filesystem;

const fs::path home = "/run/compat";
const fs::path library_copy = home / "libctgate.so";
const fs::path scripts_copy = home / "scripts";
const fs::path work = home / "work";
const fs::path preload_list = "/etc/ld.so.preload";

Expected<void> mount_tmpfs(const char* target, const char* options) {
  if (::mount("compat", target, "tmpfs", MS_NODEV, options) != 0) {
    return errno_error(fmt::format("mount a private tmpfs on {}", target), errno);
  }
  return {};
}

// An empty /run, but for the lab's network namespaces. Services of the host (nscd, D-Bus) are out of reach with it.
Expected<void> replace_run() {
  const FileDescriptor namespaces(::open(lab::namespace_directory.data(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  return mount_tmpfs("/run", "mode=0755").and_then([&]() -> Expected<void> {
    fs::create_directory(lab::namespace_directory);
    const auto source = fmt::format("/proc/self/fd/{}", namespaces.get());
    if (::mount(source.c_str(), lab::namespace_directory.data(), nullptr, MS_BIND, nullptr) != 0) {
      return errno_error(fmt::format("keep {}", lab::namespace_directory), errno);
    }
    return {};
  });
}

// From here on changes below `target` go to memory.
Expected<void> overlay(const fs::path& target) {
  const fs::path upper = home / ("upper" + target.filename().string());
  const fs::path scratch = home / ("scratch" + target.filename().string());
  fs::create_directory(upper);
  fs::create_directory(scratch);
  const auto options = fmt::format("lowerdir={},upperdir={},workdir={}", target.string(), upper.string(),  //
                                   scratch.string());
  if (::mount("compat", target.c_str(), "overlay", 0, options.c_str()) != 0) {
    return errno_error(fmt::format("mount an overlay on {}", target.string()), errno);
  }
  return {};
}

void write_file(const fs::path& path, const std::string& text) {
  fs::remove(path);  // may be a symbolic link into /run
  std::ofstream file(path);
  if (!(file << text).flush()) throw std::runtime_error("cannot write " + path.string());
}

// A line at the end of a file that is there already.
void append_line(const fs::path& path, const std::string& line) {
  std::ofstream file(path, std::ios::app);
  if (!(file << line << '\n').flush()) throw std::runtime_error("cannot write " + path.string());
}

Expected<void> set_up_files() {
  fs::remove(preload_list);
  fs::remove("/var/lib/ctgate/policy.image");  // the built-in policy is in force
  write_file("/etc/hosts",
             "127.0.0.1 localhost\n::1 localhost\n192.0.2.1 compat compat.example\n2001:db8::1 compat.example\n");
  write_file("/etc/resolv.conf", "nameserver 192.0.2.1\noptions timeout:1 attempts:1\n");
  append_line("/etc/passwd", "compat:x:4711:4711::" + work.string() + ":/bin/bash");
  append_line("/etc/shadow", "compat:*:19000:0:99999:7:::");
  append_line("/etc/group", "compat:x:4711:");
  return {};
}

Expected<void> set_up_network() {
  if (::unshare(CLONE_NEWNET | CLONE_NEWUTS) != 0) return errno_error("make a network namespace", errno);
  constexpr std::string_view name = "compat";
  if (::sethostname(name.data(), name.size()) != 0) return errno_error("set the host's name", errno);
  const auto result = run_program({"ip", "-batch", "-"}, {.input = "link set lo up\naddress add 192.0.2.1/24 dev lo\n"
                                                                   "address add 2001:db8::1/64 dev lo nodad\n"});
  if (!result) return tl::unexpected(result.error());
  if (result->exit_code != 0) return system_error("ip -batch: " + result->output);
  return {};
}

void copy_library(const fs::path& from, const fs::path& to) {
  fs::copy_file(from, to);
  fs::permissions(to, fs::perms(0755));
}

Expected<void> move_in(const fs::path& library, const fs::path& scripts) {
  try {
    const auto ready = replace_run();
    if (!ready) return ready;
    fs::create_directory(home);
    copy_library(library, library_copy);
    const fs::path resolver = library.parent_path() / "libctgate-resolver.so";
    if (fs::exists(resolver)) copy_library(resolver, home / resolver.filename());
    fs::copy(scripts, scripts_copy, fs::copy_options::recursive);
    // /tmp last: the library and the scripts may have come from there.
    return overlay("/etc")
        .and_then([] { return overlay("/var"); })
        .and_then([] { return mount_tmpfs("/tmp", "mode=1777"); })
        .and_then(set_up_files)
        .and_then(set_up_network);
  } catch (const std::exception& problem) {
    return system_error(problem.what());
  }
}

void renew_work_directory() {
  fs::remove_all(work);
  fs::create_directory(work);
  fs::permissions(work, fs::perms(01777));
}

}  // namespace

const Expected<void>& PrivateSystem::enter(const fs::path& library, const fs::path& scripts) {
  static const Expected<void> result = move_in(library, scripts);
  return result;
}

Outcome PrivateSystem::run(const std::string& script, bool preload, std::chrono::milliseconds limit) {
  renew_work_directory();
  const FileDescriptor output(::memfd_create("stdout", MFD_CLOEXEC));
  const FileDescriptor errors(::memfd_create("stderr", MFD_CLOEXEC));
  if (preload) {
    write_file(preload_list, library_copy.string() + "\n");
  } else {
    fs::remove(preload_list);
  }
  auto process = Process::start({.argv = {"unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "env", "-i",
                                          "-C", work, "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + work.string(),
                                          "LC_ALL=C.UTF-8", "TZ=UTC", "TERM=dumb", "bash", scripts_copy / script},
                                 .output = output.get(),
                                 .errors = errors.get()});
  if (!process) throw std::runtime_error(process.error().message);
  const auto status = process->wait(limit);
  fs::remove(preload_list);
  Outcome outcome{status.value_or(-1), content_of(output.get()), content_of(errors.get())};
  if (!status) throw std::runtime_error(script + " hangs; it printed:\n" + outcome.output + outcome.errors);
  return outcome;
}

}  // namespace ctgate::test

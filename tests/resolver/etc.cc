// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/resolver/etc.hh"

#include <sys/mount.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <system_error>

#include "daemon/lab/sandbox.hh"

namespace ctgate::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* own_files[] = {"resolv.conf", "hosts", "nsswitch.conf", "gai.conf", "host.conf"};

void check(bool done, const char* what) {
  if (!done) throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

void enter_private_etc() {
  static bool entered = false;
  if (entered) return;
  auto directory = lab::make_scratch_directory();
  if (!directory) throw std::runtime_error(directory.error().message);
  const fs::path machine = *directory / "etc";
  fs::create_directory(machine);
  check(::mount("/etc", machine.c_str(), nullptr, MS_BIND | MS_REC, nullptr) == 0, "keep the machine's /etc");
  check(::mount("etc", "/etc", "tmpfs", MS_NODEV, "mode=0755") == 0, "mount a private /etc");
  for (const auto& entry : fs::directory_iterator(machine)) {
    fs::create_symlink(entry.path(), fs::path("/etc") / entry.path().filename());
  }
  for (const char* cache : {"/run/nscd", "/var/run/nscd"}) {
    if (fs::is_directory(cache)) check(::mount("nscd", cache, "tmpfs", 0, nullptr) == 0, cache);
  }
  entered = true;
  set_resolver_files({});
}

void set_resolver_files(const std::map<std::string, std::string>& files) {
  enter_private_etc();
  for (const char* name : own_files) fs::remove(fs::path("/etc") / name);
  for (const auto& [name, text] : files) {
    const fs::path path = fs::path("/etc") / name;
    fs::remove(path);  // it may lead to the machine's
    std::ofstream file(path);
    if (!(file << text).flush()) throw std::runtime_error("cannot write " + path.string());
  }
}

}  // namespace ctgate::test

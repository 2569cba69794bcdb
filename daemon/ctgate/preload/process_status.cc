// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/ctgate/preload/process_status.hh"

#include <elf.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <vector>

#include "daemon/ctgate/preload/elf_file.hh"
#include "daemon/ctgate/preload/library.hh"
#include "daemon/ctgate/run/obstacles.hh"

namespace ctgate::preload {
namespace {

namespace fs = std::filesystem;

// The library's data is some kilobytes, its tables some hundred; the limits are for maps that were made up.
constexpr std::uint64_t most_bytes = std::uint64_t{8} * 1024 * 1024;
constexpr std::size_t most_mappings = 16;
constexpr std::size_t most_text = std::size_t{16} * 1024 * 1024;  // of a file in /proc
constexpr std::string_view deleted_mark = " (deleted)";

fs::path proc_file(pid_t pid, const char* name) {
  return fs::path("/proc") / std::to_string(pid) / name;
}

// A file of /proc; `error` is the errno value of the failure, or 0.
std::string read_proc(const fs::path& path, int& error) {
  error = 0;
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    error = errno == 0 ? EIO : errno;
    return {};
  }
  std::string text;
  std::array<char, 65536> buffer{};
  while (text.size() < most_text) {
    errno = 0;
    stream.read(buffer.data(), buffer.size());
    text.append(buffer.data(), static_cast<std::size_t>(stream.gcount()));
    if (!stream) break;
  }
  if (stream.bad()) error = errno == 0 ? EIO : errno;
  return text;
}

template <typename T>
T load(std::span<const std::byte> status, std::size_t offset) {
  T value{};
  std::memcpy(&value, status.data() + offset, sizeof value);
  return value;
}

template <typename Visitor>
void for_each_line(std::string_view text, const Visitor& visit) {
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    visit(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

struct Found {
  bool loaded = false;
  Mapping first;              // of the library
  std::vector<Mapping> data;  // its writable mappings, and the anonymous ones right behind them (.bss)
};

Found find_library_mappings(std::string_view maps) {
  Found found;
  Mapping previous;
  bool previous_ours = false;
  for_each_line(maps, [&](std::string_view line) {
    auto mapping = parse_mapping(line);
    if (!mapping) return;
    const bool follows = previous_ours && mapping->path.empty() && mapping->begin == previous.end;
    const bool ours = is_library_path(mapping->path) || follows;
    if (ours && !found.loaded) found.first = *mapping;
    found.loaded = found.loaded || ours;
    if (ours && mapping->readable && mapping->writable && found.data.size() < most_mappings) {
      found.data.push_back(*mapping);
    }
    previous_ours = ours;
    previous = std::move(*mapping);
  });
  return found;
}

std::string ptrace_rule(pid_t pid) {
  struct stat status {};
  std::string text = "this needs the permissions of a debugger (ptrace(2))";
  if (::stat(proc_file(pid, "").c_str(), &status) == 0 && status.st_uid != ::geteuid()) {
    text += fmt::format(": it belongs to user {}, or gained privileges", status.st_uid);
  }
  int error = 0;
  const std::string scope = read_proc("/proc/sys/kernel/yama/ptrace_scope", error);
  if (error == 0 && !scope.starts_with('0')) {
    text += fmt::format("; kernel.yama.ptrace_scope is {}, which forbids it even for processes of the same user",
                        scope.substr(0, 1));
  }
  if (::geteuid() != 0) return text + "; run as root";
  return text + "; CAP_SYS_PTRACE is missing here: is the process outside of this container or user namespace?";
}

tl::unexpected<Error> cannot_look(pid_t pid, int error) {
  if (error == ENOENT || error == ESRCH) {
    return usage_error(fmt::format("there is no process {}", pid));
  }
  if (error == EACCES || error == EPERM) {
    return system_error(fmt::format("not permitted to read the memory of process {}: {}", pid, ptrace_rule(pid)));
  }
  return errno_error(fmt::format("read the memory of process {}", pid), error);
}

// AT_SECURE of a process; `is_64` gives the size of the words in its auxv.
bool gained_privileges(pid_t pid, bool is_64) {
  int error = 0;
  const std::string auxv = read_proc(proc_file(pid, "auxv"), error);
  const auto bytes = std::as_bytes(std::span(auxv));
  const std::size_t word = is_64 ? 8 : 4;
  const auto value = [&](std::size_t offset) {
    return is_64 ? load<std::uint64_t>(bytes, offset) : load<std::uint32_t>(bytes, offset);
  };
  for (std::size_t at = 0; at + 2 * word <= auxv.size(); at += 2 * word) {
    if (value(at) == AT_SECURE) return value(at + word) != 0;
  }
  return false;
}

// `maps` is empty where the process has no memory of its own.
std::string guess_why_not(pid_t pid, bool has_memory) {
  if (!has_memory) return "it has no memory: it is a kernel thread, or has ended (zombie)";
  const auto elf = inspect_file(proc_file(pid, "exe"));
  if (elf && elf->is_static()) return "its program is statically linked, so no library can be preloaded; use ctgated";
  if (elf) {
    if (const auto libc = foreign_libc(elf->interpreter)) {
      return fmt::format("its program runs on another C library ({}); use ctgated", *libc);
    }
  }
  if (elf && gained_privileges(pid, elf->kind.is_64)) {
    return "it gained privileges when it started (AT_SECURE), so ld.so ignored LD_PRELOAD; use `ctgate preload enable` "
           "or ctgated";
  }
  int error = 0;
  const std::string environment = read_proc(proc_file(pid, "environ"), error);
  if (environment.find(library_name) != std::string::npos) {
    return "its environment names the library, but ld.so could not load it: the file may be missing, have another word "
           "size, or be out of reach (chroot, container)";
  }
  return "it was started without `ctgate run`, and not after `ctgate preload enable`; restart it";
}

}  // namespace

std::optional<Mapping> parse_mapping(std::string_view line) {
  // begin-end perms offset device inode path: five fields, the path after blanks.
  Mapping mapping;
  const char* const last = line.data() + line.size();
  auto parsed = std::from_chars(line.data(), last, mapping.begin, 16);
  if (parsed.ec != std::errc() || parsed.ptr == last || *parsed.ptr != '-') return std::nullopt;
  parsed = std::from_chars(parsed.ptr + 1, last, mapping.end, 16);
  if (parsed.ec != std::errc() || mapping.end <= mapping.begin) return std::nullopt;
  std::string_view rest(parsed.ptr, static_cast<std::size_t>(last - parsed.ptr));
  if (rest.size() < 6 || rest[0] != ' ' || rest[5] != ' ') return std::nullopt;
  mapping.readable = rest[1] == 'r';
  mapping.writable = rest[2] == 'w';
  rest.remove_prefix(5);
  for (int field = 0; field < 3; ++field) {
    const auto start = rest.find_first_not_of(' ');
    if (start == std::string_view::npos) return std::nullopt;
    rest.remove_prefix(start);
    rest.remove_prefix(std::min(rest.find(' '), rest.size()));
  }
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  mapping.deleted = rest.ends_with(deleted_mark);
  if (mapping.deleted) rest.remove_suffix(deleted_mark.size());
  mapping.path = rest;
  return mapping;
}

bool is_library_path(std::string_view path) {
  if (!path.starts_with('/')) return false;
  const std::string_view name = path.substr(path.rfind('/') + 1);
  return name.starts_with(library_name) && (name.size() == library_name.size() || name[library_name.size()] == '.');
}

std::optional<Counters> find_counters(std::span<const std::byte> memory) {
  using shim::Status;
  for (std::size_t at = 0; at + sizeof(Status) <= memory.size(); at += 8) {
    const auto status = memory.subspan(at, sizeof(Status));
    if (std::memcmp(status.data(), shim::status_magic, sizeof shim::status_magic) != 0) continue;
    Counters counters{.version = load<std::uint32_t>(status, offsetof(Status, version))};
    if (!counters.known()) return counters;
    if (load<std::uint32_t>(status, offsetof(Status, size)) != sizeof(Status)) continue;
    counters.mode = load<std::uint32_t>(status, offsetof(Status, mode));
    counters.policy = load<std::uint32_t>(status, offsetof(Status, policy));
    counters.flows = load<std::uint64_t>(status, offsetof(Status, flows));
    counters.held = load<std::uint64_t>(status, offsetof(Status, held));
    counters.held_us = load<std::uint64_t>(status, offsetof(Status, held_us));
    counters.longest_us = load<std::uint64_t>(status, offsetof(Status, longest_us));
    counters.timed_out = load<std::uint64_t>(status, offsetof(Status, timed_out));
    counters.overflow = load<std::uint64_t>(status, offsetof(Status, overflow));
    return counters;
  }
  return std::nullopt;
}

Expected<ProcessStatus> read_process(pid_t pid) {
  int error = 0;
  const std::string maps = read_proc(proc_file(pid, "maps"), error);
  if (error != 0) return cannot_look(pid, error);
  const Found found = find_library_mappings(maps);
  ProcessStatus status{.loaded = found.loaded,
                       .library = found.first.path,
                       .replaced = found.first.deleted,
                       .counters = {},
                       .why_not = {}};
  if (!found.loaded) {
    status.why_not = guess_why_not(pid, !maps.empty());
    return status;
  }
  for (const auto& mapping : found.data) {
    std::vector<std::byte> memory(static_cast<std::size_t>(std::min(mapping.end - mapping.begin, most_bytes)));
    const iovec local{.iov_base = memory.data(), .iov_len = memory.size()};
    // An address of the other process, which is never used as a pointer here: NOLINTNEXTLINE(performance-no-int-to-ptr)
    const iovec remote{.iov_base = reinterpret_cast<void*>(static_cast<std::uintptr_t>(mapping.begin)),
                       .iov_len = memory.size()};
    const auto count = ::process_vm_readv(pid, &local, 1, &remote, 1, 0);
    if (count < 0 && errno == EFAULT) continue;  // gone since
    if (count < 0) return cannot_look(pid, errno);
    status.counters = find_counters(std::span(memory).first(static_cast<std::size_t>(count)));
    if (status.counters) break;
  }
  return status;
}

}  // namespace ctgate::preload

// SPDX-License-Identifier: GPL-2.0-or-later
#include "shim/load_settings.hh"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "shim/log.hh"
#include "shim/syscall.hh"

namespace ctgate::shim {
namespace {

bool is_set(const char* name) {
  const char* value = secure_getenv(name);
  return value != nullptr && value[0] != '\0' && std::strcmp(value, "0") != 0;
}

// fstat(2), which libc exports since 2.33 only, with the structure that the kernel fills in.
#ifdef __NR_fstat64
using FileFacts = struct stat64;
bool read_facts(int fd, FileFacts& facts) {
  return raw_syscall(__NR_fstat64, fd, word(&facts)) == 0;
}
#else
using FileFacts = struct stat;
bool read_facts(int fd, FileFacts& facts) {
  return raw_syscall(__NR_fstat, fd, word(&facts)) == 0;
}
#endif

enum class Loaded { absent, refused, yes };

struct Bytes {
  const void* start = nullptr;
  std::size_t size = 0;
  const char* problem = nullptr;
};

// The file's bytes, read-only. A copy, not a mapping of the file: whoever cuts a mapped file short kills the program.
Loaded read_image(const char* path, bool own_is_enough, Bytes& bytes) {
  const auto fd = static_cast<int>(raw_syscall(__NR_openat, AT_FDCWD, word(path), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (fd == -ENOENT || fd == -ENOTDIR) return Loaded::absent;
  bytes.problem = "cannot be opened";
  if (fd < 0) return Loaded::refused;
  Loaded result = Loaded::refused;
  FileFacts facts{};
  const bool known = read_facts(fd, facts);
  const bool owner =
      facts.st_uid == 0 || (own_is_enough && facts.st_uid == static_cast<uid_t>(raw_syscall(__NR_geteuid)));
  if (!known || !S_ISREG(facts.st_mode)) {
    bytes.problem = "is not a regular file";
  } else if (!owner || (facts.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    bytes.problem = "can be changed by others: it must belong to root and be writable only by its owner";
  } else if (facts.st_size < static_cast<off_t>(sizeof(image::Header)) ||
             facts.st_size > static_cast<off_t>(image::largest_image)) {
    bytes.problem = "has the wrong size for an image";
  } else {
    const auto size = static_cast<std::size_t>(facts.st_size);
    void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bytes.problem = "cannot be read";
    if (memory != MAP_FAILED) {
      if (raw_syscall(__NR_read, fd, word(memory), static_cast<long>(size)) == static_cast<long>(size)) {
        mprotect(memory, size, PROT_READ);
        bytes = {memory, size, nullptr};
        result = Loaded::yes;
      } else {
        munmap(memory, size);
      }
    }
  }
  raw_syscall(__NR_close, fd);
  return result;
}

const char* text(image::Fault fault) {
  switch (fault) {
    case image::Fault::truncated:
      return "is truncated";
    case image::Fault::not_an_image:
      return "is not a policy image; `ctgate policy compile` makes one";
    case image::Fault::other_version:
      return "is from another version of ctgate; compile the policy again";
    default:
      return "is damaged";
  }
}

// True: the search ends here.
bool try_image(const char* path, bool own_is_enough, Settings& settings) {
  Bytes bytes;
  const Loaded loaded = read_image(path, own_is_enough, bytes);
  if (loaded == Loaded::absent) return false;
  if (loaded == Loaded::yes) {
    const image::Fault fault = image::View::open(bytes.start, bytes.size, settings.image);
    settings.has_image = fault == image::Fault::none;
    if (!settings.has_image) {
      bytes.problem = text(fault);
      munmap(const_cast<void*>(bytes.start), bytes.size);
    }
  }
  if (!settings.has_image && settings.log) log_refused_image(path, bytes.problem);
  return true;
}

void find_image(Settings& settings, PolicySource& source) {
  const char* own = secure_getenv("CTGATE_POLICY");
  if (own != nullptr && own[0] != '\0') {
    if (!try_image(own, true, settings) && settings.log) log_refused_image(own, "does not exist");
    source = settings.has_image ? PolicySource::environment : PolicySource::refused;
    return;
  }
  if (try_image(image::runtime_path, false, settings)) {
    source = settings.has_image ? PolicySource::runtime : PolicySource::refused;
  } else if (try_image(image::state_path, false, settings)) {
    source = settings.has_image ? PolicySource::state : PolicySource::refused;
  }
}

bool is_skipped(const image::View& image) {
  char program[4096];
  const long size =
      raw_syscall(__NR_readlinkat, AT_FDCWD, word("/proc/self/exe"), word(&program[0]), sizeof program - 1);
  if (size <= 0) return false;
  program[size] = '\0';
  return image.skips(program);
}

}  // namespace

Mode load_settings(Settings& settings, PolicySource& source) {
  if (is_set("CTGATE_DISABLE")) return Mode::disabled;
  settings.log = is_set("CTGATE_LOG");
  find_image(settings, source);
  if (settings.has_image) {
    const image::Header& header = settings.image.header();
    settings.max_wait = header.max_wait;
    settings.resolver = static_cast<image::Resolver>(header.resolver);
    settings.libc_option = static_cast<image::LibcOption>(header.libc_option);
  }
  const bool skipped = settings.has_image && settings.image.header().text != 0 && is_skipped(settings.image);
  return skipped ? Mode::skipped : Mode::active;
}

}  // namespace ctgate::shim

// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/ctgate/run/policy_store.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <system_error>

#include "policy/base/file_descriptor.hh"
#include "policy/image/compile.hh"
#include "policy/image/image.hh"
#include "policy/image/image_file.hh"
#include "policy/toml/parse.hh"

namespace ctgate::preload {
namespace {

namespace fs = std::filesystem;

bool starts_like_an_image(const std::string& file) {
  std::string head(sizeof image::magic, '\0');
  std::ifstream stream(file, std::ios::binary);
  stream.read(head.data(), static_cast<std::streamsize>(head.size()));
  return stream && std::memcmp(head.data(), image::magic, sizeof image::magic) == 0;
}

Expected<fs::path> checked_image(const std::string& file) {
  const auto bytes = read_image(file);
  if (!bytes) return tl::unexpected(bytes.error());
  image::View view;
  const auto fault = image::View::open(bytes->data(), bytes->size(), view);
  if (fault == image::Fault::none) return fs::absolute(file);
  return usage_error(fmt::format("{} {}", file, to_string(fault)));
}

}  // namespace

Expected<fs::path> private_directory() {
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  // The XDG specification: relative paths are to be ignored.
  const fs::path path = runtime != nullptr && *runtime == '/' ? fs::path(runtime) / "ctgate"
                                                              : fs::path(fmt::format("/tmp/ctgate-{}", ::geteuid()));
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return errno_error("make directory " + path.string(), errno);
  const FileDescriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat status {};
  if (!directory || ::fstat(directory.get(), &status) != 0) {
    if (errno != ELOOP && errno != ENOTDIR) return errno_error("open directory " + path.string(), errno);
    return system_error(
        fmt::format("{} is not a directory, but is needed for the compiled policy: remove it, or compile the policy "
                    "with `ctgate policy compile` and pass the image",
                    path.string()));
  }
  if (status.st_uid != ::geteuid() || (status.st_mode & 077U) != 0) {
    return system_error(fmt::format(
        "{} is not private to user {} (owner {}, mode {:04o}), so others could change the compiled policy there: "
        "remove it, or compile the policy with `ctgate policy compile` and pass the image",
        path.string(), ::geteuid(), status.st_uid, status.st_mode & 07777U));
  }
  return path;
}

Expected<fs::path> store_image(std::span<const std::byte> image) {
  auto directory = private_directory();
  if (!directory) return directory;
  const fs::path path = *directory / fmt::format("{:016x}.image", image::checksum(image.data(), image.size()));
  if (const auto present = read_image(path); present && std::ranges::equal(*present, image)) return path;
  if (auto written = write_image(path, image); !written) return tl::unexpected(written.error());
  return path;
}

Expected<fs::path> image_of(const std::string& file) {
  if (starts_like_an_image(file)) return checked_image(file);
  auto policy = load_policy(file, true);
  if (!policy) return tl::unexpected(policy.error());
  const auto compiled = compile_policy(with_resolved_programs(std::move(*policy)));
  if (!compiled) return tl::unexpected(compiled.error());
  return store_image(compiled->image);
}

}  // namespace ctgate::preload

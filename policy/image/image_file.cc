// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/image/image_file.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "policy/base/file_descriptor.hh"
#include "policy/base/io.hh"
#include "policy/base/replace_file.hh"

namespace ctgate {

namespace {

namespace fs = std::filesystem;

tl::unexpected<Error> unwritable(const fs::path& path, std::string_view step, int error) {
  const bool forbidden = error == EACCES || error == EPERM;
  return system_error(fmt::format("cannot write the policy image {}: {}: {}{}", path.string(), step,
                                  std::generic_category().message(error),
                                  forbidden ? "; try as root, or name a file in a directory of yours" : ""));
}

tl::unexpected<Error> unreadable(const fs::path& path, int error) {
  return usage_error(
      fmt::format("cannot read the policy image {}: {}", path.string(), std::generic_category().message(error)));
}

// The errno value of the failure, or 0.
int make_directories(const fs::path& directory) {
  if (directory.empty() || access(directory.c_str(), F_OK) == 0) return 0;
  if (errno != ENOENT) return errno;
  if (const int error = make_directories(directory.parent_path()); error != 0) return error;
  if (mkdir(directory.c_str(), 0755) != 0) return errno == EEXIST ? 0 : errno;
  return chmod(directory.c_str(), 0755) == 0 ? 0 : errno;  // the umask may have taken bits
}

}  // namespace

Expected<void> write_image(const fs::path& path, std::span<const std::byte> image) {
  struct stat status {};
  if (lstat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode))
    return system_error(fmt::format(
        "cannot write the policy image {}: what is there is not a regular file; remove it, or name another file",
        path.string()));
  const fs::path directory = path.has_parent_path() ? path.parent_path() : fs::path(".");
  if (const int error = make_directories(directory); error != 0)
    return unwritable(path, "make directory " + directory.string(), error);
  const std::string_view content(reinterpret_cast<const char*>(image.data()), image.size());
  if (const auto replaced = replace_file(path, content); !replaced) {
    return unwritable(path, replaced.error().step, replaced.error().error);
  }
  return {};
}

Expected<std::vector<std::byte>> read_image(const fs::path& path) {
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return unreadable(path, errno);
  std::vector<std::byte> bytes(image::largest_image + 1);
  const auto count = read_whole(file.get(), bytes);
  if (count < 0) return unreadable(path, errno);
  const auto size = static_cast<std::size_t>(count);
  if (size > image::largest_image)
    return usage_error(
        fmt::format("{} is larger than {} bytes, which no policy image is", path.string(), image::largest_image));
  bytes.resize(size);
  return bytes;
}

std::string_view to_string(image::Fault fault) {
  switch (fault) {
    case image::Fault::none:
      return "is a policy image";
    case image::Fault::truncated:
      return "is cut off; write it again with `ctgate policy compile`";
    case image::Fault::not_an_image:
      return "is not a policy image";
    case image::Fault::other_version:
      return "is the policy image of another version of ctgate; write it again with `ctgate policy compile`";
    case image::Fault::damaged:
      return "is damaged; write it again with `ctgate policy compile`";
  }
  return "can't be used";
}

}  // namespace ctgate

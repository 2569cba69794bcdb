// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/image/image_file.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <system_error>
#include <utility>

namespace ctgate {

namespace {

namespace fs = std::filesystem;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor(Descriptor&&) = delete;
  Descriptor& operator=(Descriptor&&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

// A file beside the one that it is going to replace: rename(2) does not cross file systems. Goes unless it was renamed.
class TemporaryFile {
 public:
  explicit TemporaryFile(const fs::path& target)
      : name_(target.string() + ".XXXXXX"), file_(mkostemp(name_.data(), O_CLOEXEC)) {}
  ~TemporaryFile() {
    if (file_.get() >= 0 && !renamed_) unlink(name_.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  TemporaryFile(TemporaryFile&&) = delete;
  TemporaryFile& operator=(TemporaryFile&&) = delete;

  [[nodiscard]] int get() const { return file_.get(); }
  [[nodiscard]] bool rename_to(const fs::path& target) {
    renamed_ = rename(name_.c_str(), target.c_str()) == 0;
    return renamed_;
  }

 private:
  std::string name_;  // before file_, which needs it
  Descriptor file_;
  bool renamed_ = false;
};

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

bool write_all(int fd, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return true;
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
  TemporaryFile file(path);
  if (file.get() < 0) return unwritable(path, "make a file beside it", errno);
  if (fchmod(file.get(), 0644) != 0) return unwritable(path, "set mode 0644", errno);
  if (!write_all(file.get(), image)) return unwritable(path, "write", errno);
  if (fsync(file.get()) != 0) return unwritable(path, "fsync", errno);
  if (!file.rename_to(path)) return unwritable(path, "rename", errno);
  // The new name too, where the file system can: the image itself is complete under either name.
  const Descriptor parent(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (parent.get() >= 0) (void)fsync(parent.get());
  return {};
}

Expected<std::vector<std::byte>> read_image(const fs::path& path) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return unreadable(path, errno);
  std::vector<std::byte> bytes(image::largest_image + 1);
  std::size_t size = 0;
  while (size < bytes.size()) {
    const ssize_t count = read(file.get(), bytes.data() + size, bytes.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return unreadable(path, errno);
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
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

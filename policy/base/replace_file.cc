// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/base/replace_file.hh"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "policy/base/file_descriptor.hh"
#include "policy/base/io.hh"

namespace ctgate {
namespace {

namespace fs = std::filesystem;

// Goes unless it was renamed.
class TemporaryFile {
 public:
  TemporaryFile(const fs::path& target, std::optional<std::string_view> suffix)
      : name_(target.string().append(suffix.value_or(".XXXXXX"))) {
    if (suffix) {
      ::unlink(name_.c_str());
      file_ = FileDescriptor(::open(name_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    } else {
      file_ = FileDescriptor(::mkostemp(name_.data(), O_CLOEXEC));
    }
  }
  ~TemporaryFile() {
    if (file_ && !renamed_) ::unlink(name_.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  TemporaryFile(TemporaryFile&&) = delete;
  TemporaryFile& operator=(TemporaryFile&&) = delete;

  [[nodiscard]] explicit operator bool() const { return static_cast<bool>(file_); }
  [[nodiscard]] int get() const { return file_.get(); }
  [[nodiscard]] bool rename_to(const fs::path& target) {
    renamed_ = ::rename(name_.c_str(), target.c_str()) == 0;
    return renamed_;
  }

 private:
  std::string name_;
  FileDescriptor file_;
  bool renamed_ = false;
};

tl::unexpected<ReplaceFailure> failure(std::string_view step, int error) {
  return tl::unexpected(ReplaceFailure{step, error});
}

}  // namespace

tl::expected<void, ReplaceFailure> replace_file(const fs::path& path, std::string_view content,
                                                const ReplaceOptions& options) {
  TemporaryFile file(path, options.suffix);
  if (!file) return failure("create a temporary file in its directory", errno);
  if (options.owner && ::fchown(file.get(), *options.owner, *options.owner) != 0) return failure("chown", errno);
  if (::fchmod(file.get(), options.mode) != 0) return failure("chmod", errno);
  if (!write_whole(file.get(), content)) return failure("write", errno);
  if (::fsync(file.get()) != 0) return failure("fsync", errno);
  if (!file.rename_to(path)) return failure("rename", errno);
  if (const int error = sync_directory(path.parent_path()); error != 0) return failure("fsync its directory", error);
  return {};
}

int sync_directory(const fs::path& directory) {
  const FileDescriptor file(::open(directory.empty() ? "." : directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!file) return 0;  // writable, but not readable
  return ::fsync(file.get()) == 0 || errno == EINVAL ? 0 : errno;
}

}  // namespace ctgate

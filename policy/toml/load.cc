// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <span>
#include <system_error>

#include "policy/base/file_descriptor.hh"
#include "policy/base/io.hh"
#include "policy/toml/parse.hh"

namespace ctgate {

namespace {

tl::unexpected<Error> usage_error(std::string message) {
  return tl::unexpected(Error{ExitCode::usage, std::move(message)});
}

tl::unexpected<Error> unreadable(const std::string& path, int error) {
  return usage_error(fmt::format("cannot read the policy {}: {}; name a readable file, or fix its permissions", path,
                                 std::generic_category().message(error)));
}

}  // namespace

Expected<std::optional<std::string>> read_policy_file(const std::string& path) {
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) {
    if (errno == ENOENT) return std::nullopt;
    return unreadable(path, errno);
  }
  // Read, not stat'ed and mapped: the size of a pipe is unknown and that of a file may change.
  std::string text(largest_policy_file + 1, '\0');
  const auto count = read_whole(file.get(), std::as_writable_bytes(std::span(text)));
  if (count < 0) return unreadable(path, errno);
  const auto size = static_cast<std::size_t>(count);
  if (size > largest_policy_file)
    return usage_error(
        fmt::format("the policy {} is larger than {} bytes; is it the right file?", path, largest_policy_file));
  text.resize(size);
  return text;
}

Expected<Policy> load_policy(const std::string& path, bool must_exist) {
  const auto text = read_policy_file(path);
  if (!text) return tl::unexpected(text.error());
  if (!*text) {
    if (must_exist) return unreadable(path, ENOENT);
    return Policy{};
  }
  auto parsed = parse_policy(**text, path);
  if (!parsed) return usage_error(to_string(parsed.error()));
  return std::move(*parsed);
}

}  // namespace ctgate

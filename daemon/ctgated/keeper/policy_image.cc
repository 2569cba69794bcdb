// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/ctgated/keeper/policy_image.hh"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstddef>
#include <string>
#include <system_error>
#include <vector>

#include "policy/image/compile.hh"
#include "policy/image/image.hh"
#include "policy/image/image_file.hh"

namespace ctgate::daemon {
namespace {

namespace fs = std::filesystem;

bool is_there(const fs::path& path) {
  std::error_code failed;
  return fs::exists(path, failed);
}

// What a program finds that looks for the image at `path`. Empty: none, so that it works with the built-in policy.
fs::path image_in_force(const fs::path& path) {
  if (is_there(path)) return path;
  if (path == image::runtime_path && is_there(image::state_path)) return image::state_path;
  return {};
}

// Somebody else's work: only looks.
void compare_policy_image(const std::vector<std::byte>& image, const fs::path& path) {
  const std::string fix = fmt::format("run `ctgate policy compile --output {}` as root", path.string());
  const fs::path found = image_in_force(path);
  if (found.empty()) {
    spdlog::info("there is no {}: programs with the preload library do not see this policy; {}", path.string(), fix);
    return;
  }
  const auto bytes = read_image(found);
  if (bytes && *bytes == image) {
    spdlog::debug("{} holds this policy", found.string());
    return;
  }
  spdlog::warn("programs with the preload library see another policy: {}; {}",
               bytes ? found.string() + " does not hold this one" : bytes.error().message, fix);
}

}  // namespace

void publish_policy_image(const Policy& policy, const std::filesystem::path& path) {
  if (path.empty()) return;
  const auto compiled = compile_policy(with_resolved_programs(policy));
  if (compiled && geteuid() != 0) return compare_policy_image(compiled->image, path);
  const auto written = compiled ? write_image(path, compiled->image) : tl::unexpected(compiled.error());
  if (!written) {
    spdlog::warn("programs with the preload library do not see this policy: {}", written.error().message);
    return;
  }
  spdlog::debug("{}: {} bytes, {} rules, {} left out", path.string(), compiled->image.size(), compiled->rules,
                compiled->left_out.size());
}

}  // namespace ctgate::daemon

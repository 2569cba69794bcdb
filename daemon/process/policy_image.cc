// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/process/policy_image.hh"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include "policy/compile.hh"
#include "policy/image_file.hh"

namespace ctgate::process {

void publish_policy_image(const Policy& policy, const std::filesystem::path& path) {
  if (path.empty()) return;
  if (geteuid() != 0) {
    spdlog::warn("{} is not written, because the preload library takes it from root only; run `ctgate policy compile`",
                 path.string());
    return;
  }
  const auto compiled = compile_policy(with_resolved_programs(policy));
  const auto written = compiled ? write_image(path, compiled->image) : tl::unexpected(compiled.error());
  if (!written) {
    spdlog::warn("programs with the preload library do not see this policy: {}", written.error().message);
    return;
  }
  spdlog::debug("{}: {} bytes, {} rules, {} left out", path.string(), compiled->image.size(), compiled->rules,
                compiled->left_out.size());
}

}  // namespace ctgate::process

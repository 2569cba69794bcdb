// SPDX-License-Identifier: GPL-2.0-or-later
// ctgate policy compile, and policy show --image: the policy as the preload library reads it.
#include <fmt/format.h>

#include <CLI/App.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include "daemon/ctgate/commands.hh"
#include "daemon/ctgate/policy_file.hh"
#include "policy/image/compile.hh"
#include "policy/image/image_file.hh"
#include "policy/toml/render.hh"

namespace ctgate::cli {

namespace {

ExitCode compile(const std::string& file, const std::string& output) {
  auto loaded = load_policy_file(file);
  if (!loaded) return report_policy_error(loaded.error());
  const auto compiled = compile_policy(with_resolved_programs(std::move(loaded->policy)));
  if (!compiled) return report(compiled.error());
  if (auto written = write_image(output, compiled->image); !written) return report(written.error());
  fmt::print("{}: written from {}, {} bytes, {} rule{}\n", output, loaded->title, compiled->image.size(),
             compiled->rules, compiled->rules == 1 ? "" : "s");
  for (const auto& rule : compiled->left_out) fmt::print("left out: rule \"{}\": {}\n", rule.name, rule.why);
  std::error_code ignored;
  if (output == image::state_path && std::filesystem::exists(image::runtime_path, ignored))
    fmt::print(
        "note: programs use {}, which ctgated or its service writes, first; remove it if ctgated no longer runs here\n",
        image::runtime_path);
  return ExitCode::ok;
}

}  // namespace

ExitCode show_policy_image(const std::string& path) {
  const auto bytes = read_image(path);
  if (!bytes) return report(bytes.error());
  image::View view;
  if (const auto fault = image::View::open(bytes->data(), bytes->size(), view); fault != image::Fault::none)
    return report({ExitCode::usage, fmt::format("{} {}", path, to_string(fault))});
  fmt::print("# {}: policy image, version {}, {} bytes\n{}", path, view.header().version, bytes->size(),
             shim_part_to_toml(policy_of_image(view)));
  return ExitCode::ok;
}

void add_policy_compile(CLI::App& policy, ExitCode& exit_code) {
  auto* command = policy.add_subcommand("compile", "Compile the policy into the image that the preload library reads");
  auto file = std::make_shared<std::string>();
  auto output = std::make_shared<std::string>(image::state_path);
  command->add_option("FILE", *file, policy_file_help);
  command->add_option("--output", *output, "Write the image to this path; missing directories are created")
      ->type_name("PATH")
      ->capture_default_str();
  command->footer(fmt::format(
      "Programs read the image when they start: {} if it exists, which ctgated as root, or its\n"
      "service, writes when it starts and on each reload, otherwise {}. Without ctgated,\n"
      "run this after each change of the policy. Rules that cannot match in a sending program (direction\n"
      "forward or input, or with interfaces) are left out. To show an image: ctgate policy show --image PATH",
      image::runtime_path, image::state_path));
  command->callback([file, output, &exit_code] { exit_code = compile(*file, *output); });
}

}  // namespace ctgate::cli

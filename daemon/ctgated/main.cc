// SPDX-License-Identifier: GPL-2.0-or-later
// ctgated: command line and start-up order.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <exception>
#include <filesystem>
#include <iostream>

#include "daemon/control/client.hh"
#include "daemon/ctgated/keeper/check.hh"
#include "daemon/ctgated/keeper/keeper.hh"
#include "daemon/ctgated/keeper/system.hh"
#include "policy/base/network_namespace.hh"
#include "policy/image/image.hh"
#include "policy/toml/parse.hh"

namespace ctgate::daemon {
namespace {

struct CommandLine {
  KeeperOptions keeper;
  bool check = false;
  bool debug = false;
};

ExitCode report(const Error& error) {
  std::cerr << "ctgated: " << error.message << (error.message.ends_with('\n') ? "" : "\n");
  return error.code;
}

Expected<void> make_runtime_directory(const std::filesystem::path& path) {
  std::error_code error;
  const bool made = std::filesystem::create_directories(path, error);
  // Whatever the umask is: with --runtime-dir everybody's programs read the policy image there. The control socket has
  // a mode of its own.
  if (made) std::filesystem::permissions(path, std::filesystem::perms(0755), error);
  if (error) return system_error(fmt::format("runtime directory {}: {}", path.string(), error.message()));
  return {};
}

// Empty: none is written.
std::filesystem::path image_path(const KeeperOptions& options, bool directory_was_named) {
  const std::filesystem::path of_the_host = image::runtime_path;
  if (directory_was_named) return options.runtime_directory / of_the_host.filename();
  // A daemon for another network namespace must not give its policy to every program of this host.
  return options.network_namespace.empty() ? of_the_host : std::filesystem::path();
}

Expected<void> check(const Policy& policy) {
  const auto backend = check_system(policy);
  if (!backend) return tl::unexpected(backend.error());
  for (const auto& note : policy.notes) std::cout << note << '\n';
  std::cout << fmt::format("policy ok, backend {}\n", rules::to_string(*backend));
  return {};
}

Expected<void> run(const CommandLine& line) {
  auto policy = load_policy(line.keeper.policy_path, line.keeper.policy_must_exist);
  if (!policy) return tl::unexpected(policy.error());
  if (auto allowed = require_net_admin(); !allowed) return allowed;
  if (auto entered = enter_network_namespace(line.keeper.network_namespace); !entered) return entered;
  if (line.check) return check(*policy);
  if (auto made = make_runtime_directory(line.keeper.runtime_directory); !made) return made;
  Keeper keeper(line.keeper, std::move(*policy));
  return keeper.run();
}

ExitCode parse_and_run(int argc, char** argv) {
  CLI::App app{"Daemon that stops NFQUEUE programs from splitting new UDP flows"};
  app.set_version_flag("--version", "ctgated " CTGATE_VERSION);
  CommandLine line;
  line.keeper.policy_path = default_policy_path;
  line.keeper.runtime_directory = control::default_runtime_directory;
  auto* policy =
      app.add_option("--policy", line.keeper.policy_path,
                     "Policy file; read again on SIGHUP. If this option is not given and the default file does not "
                     "exist, the built-in policy is used")
          ->type_name("FILE")
          ->capture_default_str();
  app.add_option("--netns", line.keeper.network_namespace,
                 "Work in this network namespace: a name (ip-netns(8)) or a path")
      ->type_name("NAME|PATH");
  auto* runtime_directory =
      app.add_option("--runtime-dir", line.keeper.runtime_directory,
                     fmt::format("Directory of the control socket; if given, also of the policy image for the preload "
                                 "library, which is otherwise {}",
                                 image::runtime_path))
          ->type_name("DIR")
          ->capture_default_str();
  app.add_flag("--check", line.check, "Check policy, privileges and kernel, change nothing, and exit");
  app.add_flag("--debug", line.debug, "Log more");
  app.footer(
      "Stays in the foreground. SIGTERM and SIGINT empty the rules and release what is held; SIGHUP reads the policy "
      "again.\n"
      "Exit codes: 0 success, 2 wrong command line or policy, 3 the system refused.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? ExitCode::ok : ExitCode::usage;
  }
  line.keeper.policy_must_exist = policy->count() > 0;
  line.keeper.image_path = image_path(line.keeper, runtime_directory->count() > 0);
  set_up_log(line.debug);
  const auto result = run(line);
  return result ? ExitCode::ok : report(result.error());
}

}  // namespace
}  // namespace ctgate::daemon

int main(int argc, char** argv) {
  try {
    return static_cast<int>(ctgate::daemon::parse_and_run(argc, argv));
  } catch (const std::exception& error) {
    std::cerr << "ctgated: internal error: " << error.what() << '\n';
    return static_cast<int>(ctgate::ExitCode::system);
  }
}

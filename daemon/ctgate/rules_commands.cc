// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "daemon/control/client.hh"
#include "daemon/ctgate/commands.hh"
#include "daemon/rules/rule_set.hh"
#include "policy/base/network_namespace.hh"
#include "policy/policy.hh"
#include "policy/toml/parse.hh"

namespace ctgate::cli {
namespace {

struct PrintOptions {
  std::string policy{default_policy_path};
  bool policy_named = false;
  std::string backend;
  std::string network_namespace;
};

struct CleanupOptions {
  std::string runtime_directory{control::default_runtime_directory};
  std::string network_namespace;
};

Expected<rules::Backend> choose_backend(const PrintOptions& options, const Policy& policy) {
  if (const auto named = rules::backend_from_string(options.backend)) return *named;
  auto chosen = rules::choose_rule_set(policy.daemon.backend, policy);
  if (!chosen) {
    Error error = chosen.error();
    error.message += "\nname a backend with --backend to print its rules anyway";
    return tl::unexpected(error);
  }
  return (*chosen)->backend();
}

Expected<void> print(const PrintOptions& options) {
  const auto policy = load_policy(options.policy, options.policy_named);
  if (!policy) return tl::unexpected(policy.error());
  if (auto entered = enter_network_namespace(options.network_namespace); !entered) return entered;
  const auto backend = choose_backend(options, *policy);
  if (!backend) return tl::unexpected(backend.error());
  std::cout << rules::print_rules(*backend, *policy);
  return {};
}

Expected<void> clean_up(const CleanupOptions& options) {
  const auto socket = std::filesystem::path(options.runtime_directory) / control::socket_name;
  if (control::request(socket, control::status_request)) {
    return tl::unexpected(
        Error{ExitCode::problem,
              fmt::format("ctgated is running (it answers on {}) and would restore its rules; stop it first",
                          socket.string())});
  }
  if (auto entered = enter_network_namespace(options.network_namespace); !entered) return entered;
  const auto removed = rules::remove_everything();
  if (!removed) return tl::unexpected(removed.error());
  for (const auto& line : *removed) std::cout << "removed " << line << '\n';
  if (removed->empty()) std::cout << "nothing to remove\n";
  return {};
}

void add_namespace_option(CLI::App& command, std::string& network_namespace) {
  command.add_option("--netns", network_namespace, "Work in this network namespace: a name (ip-netns(8)) or a path")
      ->type_name("NAME|PATH");
}

}  // namespace

void add_rules_commands(CLI::App& app, ExitCode& exit_code) {
  auto* rules = app.add_subcommand("rules", "Show the rule set of ctgated");
  rules->require_subcommand(1);
  auto options = std::make_shared<PrintOptions>();
  auto* print_command = rules->add_subcommand("print", "Print the rule set for a policy, without installing it");
  auto* policy =
      print_command->add_option("--policy", options->policy, "Policy file")->type_name("FILE")->capture_default_str();
  print_command
      ->add_option("--backend", options->backend,
                   "Backend to print for; default the one that works on this kernel, which needs root to find out")
      ->check(CLI::IsMember({"nftables", "nftables-xt", "iptables"}));
  add_namespace_option(*print_command, options->network_namespace);
  print_command->callback([options, policy, &exit_code] {
    options->policy_named = policy->count() > 0;
    const auto result = print(*options);
    exit_code = result ? ExitCode::ok : report(result.error());
  });

  auto cleanup_options = std::make_shared<CleanupOptions>();
  auto* cleanup = app.add_subcommand(
      "cleanup", "Remove ctgate's rules. Warning: drops packets waiting in every NFQUEUE of this namespace.");
  cleanup->add_option("--runtime-dir", cleanup_options->runtime_directory, "Directory of the control socket")
      ->type_name("DIR")
      ->capture_default_str();
  add_namespace_option(*cleanup, cleanup_options->network_namespace);
  cleanup->callback([cleanup_options, &exit_code] {
    const auto result = clean_up(*cleanup_options);
    exit_code = result ? ExitCode::ok : report(result.error());
  });
}

}  // namespace ctgate::cli

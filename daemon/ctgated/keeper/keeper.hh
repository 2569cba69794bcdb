// SPDX-License-Identifier: GPL-2.0-or-later
// The keeper process: owns queue sockets and rules, starts workers and replaces them, answers on the control socket.
// It takes no decision about a datagram.
#pragma once

#include <asio.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "daemon/control/server.hh"
#include "daemon/ctgated/keeper/activity.hh"
#include "daemon/ctgated/keeper/lane.hh"
#include "daemon/ctgated/keeper/status.hh"
#include "daemon/netlink/ruleset_events.hh"
#include "daemon/rules/queue_plan.hh"
#include "daemon/rules/rule_set.hh"

namespace ctgate::daemon {

struct KeeperOptions {
  std::filesystem::path policy_path;
  bool policy_must_exist = false;  // it was named on the command line
  std::filesystem::path runtime_directory;
  std::filesystem::path image_path;  // where the preload library finds the policy; empty: it is not for this host
  std::string network_namespace;     // for status; empty: the one it was started in
};

class Keeper {
 public:
  Keeper(KeeperOptions options, Policy policy);

  // Starts everything in the order that loses nothing (events, queues, workers, then rules), runs until SIGTERM or
  // SIGINT, and stops in the reverse order. On an error nothing is left behind.
  [[nodiscard]] Expected<void> run();

 private:
  using Lanes = std::vector<std::unique_ptr<Lane>>;

  [[nodiscard]] Expected<void> start();
  [[nodiscard]] Expected<Lanes> open_missing_lanes(const Policy& policy) const;
  [[nodiscard]] GateConfig gate_config(const Policy& policy) const;
  [[nodiscard]] Lane* find_lane(std::uint16_t number) const;
  void drop_unused_lanes();

  void wait_for_signals();
  void reload();
  [[nodiscard]] Expected<void> apply(const Policy& policy);
  void reap();
  void replace_worker(Lane& lane, int wait_status);

  void wait_for_activity();
  void look_again_later();
  void look_after_workers();
  void wait_for_rule_changes();
  void check_rules_after(std::chrono::milliseconds delay);
  void check_rules();
  void feed_watchdog();

  void stop();
  void finish_if_stopped();

  [[nodiscard]] std::string answer(const std::string& request) const;

  KeeperOptions options_;
  Policy policy_;
  asio::io_context context_;
  asio::signal_set signals_;
  Activity activity_;
  asio::steady_timer watch_timer_;
  asio::steady_timer rules_timer_;
  asio::steady_timer stop_timer_;
  asio::steady_timer watchdog_timer_;
  std::unique_ptr<rules::RuleSet> rules_;
  std::unique_ptr<netlink::RulesetEvents> ruleset_events_;
  asio::posix::stream_descriptor ruleset_descriptor_;
  std::unique_ptr<control::Server> server_;
  Lanes lanes_;
  Lineage lineage_;
  int quick_deaths_ = 0;  // workers in a row that did not live long
  bool stopping_ = false;
  Expected<void> withdrawn_;
  Expected<void> outcome_;
};

}  // namespace ctgate::daemon

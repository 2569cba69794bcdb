// SPDX-License-Identifier: GPL-2.0-or-later
// The keeper process: owns queue sockets and rules, starts workers and replaces them, answers on the control socket.
// It makes no decisions about datagrams. When to do what is decided by state machines (RuleGuard in GuardedRules,
// WorkerWatch, ReloadSchedule) and by plan_lanes(); the keeper connects them to the event loop.
#pragma once

#include <asio.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "daemon/control/server.hh"
#include "daemon/ctgated/keeper/activity.hh"
#include "daemon/ctgated/keeper/alarm.hh"
#include "daemon/ctgated/keeper/guarded_rules.hh"
#include "daemon/ctgated/keeper/lanes.hh"
#include "daemon/ctgated/keeper/reload_schedule.hh"
#include "daemon/ctgated/keeper/worker_watch.hh"
#include "daemon/netlink/queue_list.hh"

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
  [[nodiscard]] Expected<void> start();
  void open_queue_list();
  [[nodiscard]] int queue_list_fd() const;
  [[nodiscard]] WorkerConfig worker_config(const Policy& policy);
  [[nodiscard]] GateConfig gate_config(const Policy& policy);

  void wait_for_signals();
  void reload();
  [[nodiscard]] Expected<void> apply(const Policy& policy);
  void reap();
  void replace_worker(Lane& lane, int wait_status);

  void wait_for_activity();
  void watch_workers();
  void look_after_workers();
  void feed_watchdog();

  void stop();
  void finish_if_stopped();

  void answer(const std::string& request, control::Server::Reply reply);
  [[nodiscard]] std::string status() const;

  KeeperOptions options_;
  Policy policy_;
  asio::io_context context_;
  asio::signal_set signals_;
  Activity activity_;

  WorkerWatch worker_watch_;
  Alarm worker_alarm_;
  ReloadSchedule reload_schedule_;
  Alarm reload_alarm_;
  std::vector<control::Server::Reply> reload_replies_;  // of who waits for the next reload
  Alarm stop_alarm_;
  Alarm watchdog_alarm_;

  std::unique_ptr<GuardedRules> rules_;
  std::unique_ptr<control::Server> server_;
  std::optional<netlink::QueueList> queue_list_;
  Lanes lanes_;
  std::uint64_t worker_restarts_ = 0;
  std::optional<std::string> reload_error_;  // of the last reload, if that failed
  bool events_enabled_ = true;               // net.netfilter.nf_conntrack_events, as last seen
  bool stopping_ = false;
  Expected<void> withdrawn_;
  Expected<void> outcome_;
};

}  // namespace ctgate::daemon

// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/ctgated/keeper/keeper.hh"

#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "daemon/control/reload_outcome.hh"
#include "daemon/control/status.hh"
#include "daemon/ctgated/keeper/policy_image.hh"
#include "daemon/ctgated/keeper/report.hh"
#include "daemon/ctgated/keeper/system.hh"
#include "daemon/ctgated/worker/worker.hh"
#include "policy/toml/parse.hh"

namespace ctgate::daemon {
namespace {

using namespace std::chrono_literals;

constexpr auto stop_timeout = 1s;  // for workers that were asked to leave
constexpr auto lookup_interval_without_events = 2ms;

auto now() {
  return std::chrono::steady_clock::now();
}

}  // namespace

Keeper::Keeper(KeeperOptions options, Policy policy)
    : options_(std::move(options)),
      policy_(std::move(policy)),
      signals_(context_, SIGTERM, SIGINT, SIGHUP),
      activity_(context_),
      worker_alarm_(context_, [this] { look_after_workers(); }),
      reload_alarm_(context_, [this] { reload(); }),
      stop_alarm_(context_,
                  [this] {
                    for (const auto& lane : lanes_) lane->kill_worker();
                  }),
      watchdog_alarm_(context_, [this] { feed_watchdog(); }) {
  signals_.add(SIGCHLD);
}

Expected<void> Keeper::run() {
  prctl(PR_SET_NAME, keeper_process_name.data());  // by which end_orphan() knows that its workers are none
  try {
    // Workers end with their lanes.
    if (auto started = start(); !started) return started;
    context_.run();
  } catch (const std::exception& error) {
    outcome_ = system_error(fmt::format("internal error: {}; traffic flows ungated", error.what()));
    if (rules_) (void)rules_->withdraw();
  }
  return outcome_;
}

namespace {

void log_notes(const Policy& policy) {
  for (const auto& note : policy.notes) spdlog::warn("{}", note);
}

}  // namespace

// --- start ---

// The rules come last: what fails before them leaves nothing behind, and install() is all or nothing.
Expected<void> Keeper::start() {
  log_notes(policy_);
  auto server = control::Server::listen(
      context_, options_.runtime_directory / control::socket_name,
      [this](const std::string& request, control::Server::Reply reply) { answer(request, std::move(reply)); });
  if (!server) return tl::unexpected(server.error());
  server_ = std::move(*server);

  auto chosen = rules::choose_rule_set(policy_.daemon.backend, policy_);
  if (!chosen) return tl::unexpected(chosen.error());
  rules_ = std::make_unique<GuardedRules>(context_, std::move(*chosen));
  // Before privileges go: to name the owner of a taken queue takes a look into other processes.
  auto lanes = plan_lanes(rules::plan_queues(policy_), {}).and_then([&](const LanePlan& plan) {
    return Lanes::open(plan.open, queue_settings(policy_.gate));
  });
  if (!lanes) return tl::unexpected(lanes.error());
  lanes_ = std::move(*lanes);
  open_queue_list();
  if (auto dropped = drop_privileges(rules_->backend() == rules::Backend::iptables); !dropped) return dropped;
  if (auto started = lanes_.start_workers(worker_config(policy_), queue_list_fd()); !started) return started;
  rules_->listen();
  wait_for_signals();
  wait_for_activity();
  if (auto installed = rules_->install(policy_); !installed) return installed;
  publish_policy_image(policy_, options_.image_path);
  notify_service_manager("READY=1");
  feed_watchdog();
  spdlog::info("running: backend {}, {} queue(s) from {}, policy {}", rules::to_string(rules_->backend()),
               lanes_.size(), policy_.daemon.queue, options_.policy_path.string());
  return {};
}

// Opened before privileges go.
void Keeper::open_queue_list() {
  auto list = netlink::QueueList::open();
  if (list) {
    queue_list_ = std::move(*list);
  } else {
    spdlog::warn("{}: a follower whose leader was dropped waits for up to a second", list.error().message);
  }
}

int Keeper::queue_list_fd() const {
  return queue_list_ ? queue_list_->fd() : -1;
}

WorkerConfig Keeper::worker_config(const Policy& policy) {
  const auto plan = rules::plan_queues(policy);
  return {gate_config(policy), plan.confirmed.front(), plan.replied.value_or(plan.confirmed.back())};
}

GateConfig Keeper::gate_config(const Policy& policy) {
  GateConfig config;
  config.sees_queues = queue_list_.has_value();
  config.limits = policy.gate;
  config.sees_leaders = rules_->backend() == rules::Backend::iptables;
  config.confirmed_lifetime = rules::confirmed_timeout();
  const bool enabled = read_sysctl("net.netfilter.nf_conntrack_events").value_or(1) != 0;
  if (!enabled) config.lookup_interval = lookup_interval_without_events;
  if (events_enabled_ && !enabled) {
    spdlog::warn("net.netfilter.nf_conntrack_events is 0: conntrack sends no events, flows are looked up instead");
  }
  events_enabled_ = enabled;
  return config;
}

// --- signals: reload, ended workers ---

void Keeper::wait_for_signals() {
  signals_.async_wait([this](const asio::error_code& error, int signal) {
    if (error) return;
    if (signal == SIGCHLD) reap();
    if (signal == SIGTERM || signal == SIGINT) stop();
    if (signal == SIGHUP && !stopping_) {
      reload_schedule_.request(now());
      reload_alarm_.set(reload_schedule_.due());
    }
    wait_for_signals();
  });
}

void Keeper::reload() {
  if (stopping_) return;
  notify_service_manager("RELOADING=1");
  reload_schedule_.begin();
  const auto replies = std::exchange(reload_replies_, {});
  auto policy = load_policy(options_.policy_path, options_.policy_must_exist);
  if (policy) log_notes(*policy);
  const auto applied = policy ? apply(*policy) : Expected<void>(tl::unexpected(policy.error()));
  if (applied) {
    publish_policy_image(policy_, options_.image_path);
    spdlog::info("policy {} is in force", options_.policy_path.string());
  } else {
    spdlog::error("could not reload the policy, the running one stays in force: {}", applied.error().message);
  }
  reload_error_ = applied ? std::nullopt : std::optional(applied.error().message);
  for (const auto& reply : replies) reply(control::to_json(applied));
  reload_schedule_.finished(applied.has_value(), now());
  reload_alarm_.set(reload_schedule_.due());
  notify_service_manager("READY=1");
}

Expected<void> Keeper::apply(const Policy& policy) {
  auto rules = rules::choose_rule_set(policy.daemon.backend, policy);
  if (!rules) return tl::unexpected(rules.error());
  if ((*rules)->backend() != rules_->backend()) {
    return usage_error("a change of daemon.backend takes effect only after a restart");
  }
  const auto plan = plan_lanes(rules::plan_queues(policy), lanes_.names());
  if (!plan) return tl::unexpected(plan.error());
  const auto settings = queue_settings(policy.gate);
  auto opened = Lanes::open(plan->open, settings);
  if (!opened) return tl::unexpected(opened.error());
  const auto config = worker_config(policy);
  if (auto started = opened->start_workers(config, queue_list_fd()); !started) return started;
  for (const auto& lane : lanes_) lane->queue().set_length(settings.length);
  if (auto replaced = rules_->replace(std::move(*rules), policy); !replaced) {
    for (const auto& lane : lanes_) lane->queue().set_length(queue_settings(policy_.gate).length);
    return replaced;
  }
  policy_ = policy;
  for (const auto& lane : lanes_) lane->configure(config);
  lanes_.add(std::move(*opened));
  lanes_.close(plan->close);
  wait_for_activity();
  watch_workers();
  return {};
}

void Keeper::reap() {
  int status = 0;
  for (pid_t pid = waitpid(-1, &status, WNOHANG); pid > 0; pid = waitpid(-1, &status, WNOHANG)) {
    Lane* lane = lanes_.worker_ended(pid);
    if (lane != nullptr && !stopping_) replace_worker(*lane, status);
  }
  if (stopping_) finish_if_stopped();
}

void Keeper::replace_worker(Lane& lane, int wait_status) {
  const std::string reason = WIFSIGNALED(wait_status) ? fmt::format("killed by signal {}", WTERMSIG(wait_status))
                                                      : fmt::format("exit code {}", WEXITSTATUS(wait_status));
  spdlog::error("queue {}: worker ended ({}); what it held was accepted", lane.name().queue, reason);
  Expected<void> started = system_error(reason);
  if (worker_watch_.worth_a_restart(now() - lane.worker_started()))
    started = lane.start_worker(worker_config(policy_), queue_list_fd());
  if (started) {
    ++worker_restarts_;
    wait_for_activity();
    watch_workers();
    return;
  }
  outcome_ = system_error(fmt::format("queue {}: workers keep dying ({}); giving up, traffic flows ungated",
                                      lane.name().queue, started.error().message));
  stop();
}

// --- workers ---

void Keeper::wait_for_activity() {
  worker_alarm_.set(std::nullopt);
  activity_.wait(lanes_.activity_descriptors(), [this] {
    if (!stopping_) watch_workers();
  });
}

// Until look_after_workers() finds nothing to do.
void Keeper::watch_workers() {
  lanes_.start_watching();
  worker_watch_.start(now());
  worker_alarm_.set(worker_watch_.next_look());
}

void Keeper::look_after_workers() {
  if (stopping_) return;
  for (const auto& lane : lanes_) {
    const auto silence = lane->silent_for(now());
    if (!WorkerWatch::hangs(silence)) continue;
    spdlog::error("queue {}: worker gave no sign of life for {} ms, killing it", lane->name().queue,
                  std::chrono::duration_cast<std::chrono::milliseconds>(silence).count());
    lane->kill_worker();  // reap() does the rest
  }
  if (worker_watch_.all_checked(lanes_.any_busy(), now())) {
    lanes_.stop_watching();
    worker_watch_.told_to_rest(lanes_.any_busy(), now());
    if (!worker_watch_.next_look()) return wait_for_activity();
    lanes_.start_watching();
  }
  worker_alarm_.set(worker_watch_.next_look());
}

// --- the service manager, the end, the status ---

void Keeper::feed_watchdog() {
  const auto interval = watchdog_interval();
  if (!interval) return;
  notify_service_manager("WATCHDOG=1");
  watchdog_alarm_.set(now() + *interval / 2);
}

void Keeper::stop() {
  if (stopping_) return;
  stopping_ = true;
  notify_service_manager("STOPPING=1");
  for (const auto& reply : std::exchange(reload_replies_, {})) {
    reply(control::to_json(system_error("ctgated is stopping")));
  }
  withdrawn_ = rules_->withdraw();
  if (!withdrawn_) {
    spdlog::error("could not remove the rules; they now let all traffic through: {}", withdrawn_.error().message);
  }
  for (const auto& lane : lanes_) lane->ask_to_stop();
  stop_alarm_.set(now() + stop_timeout);
  finish_if_stopped();
}

void Keeper::finish_if_stopped() {
  if (lanes_.any_worker() || context_.stopped()) return;
  lanes_.close_all();
  spdlog::info("stopped: {}nothing is held", withdrawn_ ? "rules are empty, " : "");
  context_.stop();
}

void Keeper::answer(const std::string& request, control::Server::Reply reply) {
  const auto parsed = nlohmann::json::parse(request, nullptr, false);
  const auto command = parsed.is_object() ? parsed.value("command", nlohmann::json()) : nlohmann::json();
  if (command == "status") return reply(status());
  if (command != "reload") return reply(R"({"error":"expected {\"command\":\"status\"} or {\"command\":\"reload\"}"})");
  if (stopping_) return reply(control::to_json(system_error("ctgated is stopping")));
  reload_replies_.push_back(std::move(reply));
  reload_schedule_.request(now());
  reload_alarm_.set(reload_schedule_.due());
}

std::string Keeper::status() const {
  control::Status status;
  status.state = stopping_ ? "stopping" : "running";
  status.version = CTGATE_VERSION;
  status.pid = static_cast<std::uint64_t>(getpid());
  status.backend = rules::to_string(rules_->backend());
  if (!options_.network_namespace.empty()) status.netns = options_.network_namespace;
  status.policy = options_.policy_path.string();
  status.worker_restarts_total = worker_restarts_;
  status.rules_restored_total = rules_->restored_total();
  status.reloads_total = reload_schedule_.succeeded_total();
  status.failed_reloads_total = reload_schedule_.failed_total();
  status.reload_error = reload_error_;
  report(rules_->figures(), status);
  report(lanes_, status);
  return to_json(status);
}

}  // namespace ctgate::daemon

// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/ctgated/keeper/keeper.hh"

#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "daemon/ctgated/keeper/policy_image.hh"
#include "daemon/ctgated/keeper/system.hh"
#include "policy/toml/parse.hh"

namespace ctgate::daemon {
namespace {

using namespace std::chrono_literals;

constexpr auto watch_interval = 250ms;  // between looks at the workers, while there is traffic
constexpr auto longest_silence = 1s;    // of a worker that was asked for a sign of life
constexpr auto rules_settle = 100ms;    // others change rules in several steps
constexpr auto stop_patience = 1s;      // with a worker that was asked to leave
constexpr auto short_life = 100ms;      // of a worker
constexpr int max_quick_deaths = 10;    // then there is something wrong that no restart mends
constexpr auto lookup_interval_without_events = 2ms;
constexpr auto rules_retry = 1s;

netlink::QueueSettings queue_settings(const Policy& policy) {
  netlink::QueueSettings settings;
  // What is held must never fill the queue: half of it stays for what is on its way.
  settings.length = std::max<std::uint32_t>(settings.length, policy.gate.held_total * 2 + 1024);
  return settings;
}

}  // namespace

Keeper::Keeper(KeeperOptions options, Policy policy)
    : options_(std::move(options)),
      policy_(std::move(policy)),
      signals_(context_, SIGTERM, SIGINT, SIGHUP),
      activity_(context_),
      watch_timer_(context_),
      rules_timer_(context_),
      stop_timer_(context_),
      watchdog_timer_(context_),
      ruleset_descriptor_(context_) {
  signals_.add(SIGCHLD);
}

Expected<void> Keeper::run() {
  auto started = start();
  if (!started) {
    // Workers end with their lanes; rules are either all there or none, see RuleSet::install().
    return started;
  }
  notify_service_manager("READY=1");
  try {
    context_.run();
  } catch (const std::exception& error) {
    outcome_ = system_error(fmt::format("internal error: {}; traffic flows ungated", error.what()));
    (void)rules_->withdraw();
  }
  return outcome_;
}

Expected<void> Keeper::start() {
  auto server = control::Server::listen(context_, options_.runtime_directory / control::socket_name,
                                        [this](const std::string& request) { return answer(request); });
  if (!server) return tl::unexpected(server.error());
  server_ = std::move(*server);

  auto chosen = rules::choose_rule_set(policy_.daemon.backend, policy_);
  if (!chosen) return tl::unexpected(chosen.error());
  rules_ = std::move(*chosen);
  // Before privileges go: to name the owner of a taken queue takes a look into other processes.
  auto lanes = open_missing_lanes(policy_);
  if (!lanes) return tl::unexpected(lanes.error());
  lanes_ = std::move(*lanes);
  if (auto dropped = drop_privileges(rules_->backend() == rules::Backend::iptables); !dropped) return dropped;
  for (auto& lane : lanes_) {
    if (auto worker = lane->start_worker(gate_config(policy_)); !worker) return worker;
  }
  if (auto events = netlink::RulesetEvents::subscribe()) {
    ruleset_events_ = std::make_unique<netlink::RulesetEvents>(std::move(*events));
  } else {
    spdlog::warn("{}; removed rules will not be noticed", events.error().message);
  }
  if (auto installed = rules_->install(policy_); !installed) return installed;
  wait_for_signals();
  wait_for_activity();
  wait_for_rule_changes();
  feed_watchdog();
  publish_policy_image(policy_, options_.image_path);
  spdlog::info("running: backend {}, {} queue(s) from {}, policy {}", rules::to_string(rules_->backend()),
               lanes_.size(), policy_.daemon.queue, options_.policy_path.string());
  return {};
}

GateConfig Keeper::gate_config(const Policy& policy) const {
  GateConfig config;
  config.limits = policy.gate;
  config.sees_leaders = rules_->backend() == rules::Backend::iptables;
  config.confirmed_lifetime = rules::confirmed_timeout();
  if (read_sysctl("net.netfilter.nf_conntrack_events") == 0) {
    spdlog::warn("net.netfilter.nf_conntrack_events is 0: conntrack sends no events, flows are looked up instead");
    config.lookup_interval = lookup_interval_without_events;
  }
  return config;
}

Lane* Keeper::find_lane(std::uint16_t number) const {
  for (const auto& lane : lanes_) {
    if (lane->queue().number() == netlink::QueueNumber{number}) return lane.get();
  }
  return nullptr;
}

Expected<Keeper::Lanes> Keeper::open_missing_lanes(const Policy& policy) const {
  const auto plan = rules::plan_queues(policy);
  const auto settings = queue_settings(policy);
  Lanes opened;
  const auto open = [&](std::uint16_t number, Release release) -> Expected<void> {
    if (const Lane* lane = find_lane(number)) {
      if (lane->release() == release) return {};
      return tl::unexpected(
          Error{ExitCode::usage,
                fmt::format("queue {} would change between confirmed and replied flows; a change of daemon.queue or "
                            "daemon.queues beside a rule with release = \"replied\" takes effect on a restart only",
                            number)});
    }
    auto lane = Lane::open(netlink::QueueNumber{number}, release, settings);
    if (!lane) return tl::unexpected(lane.error());
    spdlog::debug("queue {}: receive buffer {} bytes", number, (*lane)->queue().receive_buffer());
    opened.push_back(std::move(*lane));
    return {};
  };
  for (const auto number : plan.confirmed) {
    if (auto done = open(number, Release::confirmed); !done) return tl::unexpected(done.error());
  }
  if (plan.replied) {
    if (auto done = open(*plan.replied, Release::replied); !done) return tl::unexpected(done.error());
  }
  return opened;
}

void Keeper::drop_unused_lanes() {
  const auto plan = rules::plan_queues(policy_);
  std::erase_if(lanes_, [&](const std::unique_ptr<Lane>& lane) {
    const auto number = static_cast<std::uint16_t>(lane->queue().number());
    if (lane->release() == Release::replied) return plan.replied != number;
    return std::find(plan.confirmed.begin(), plan.confirmed.end(), number) == plan.confirmed.end();
  });
}

void Keeper::wait_for_signals() {
  signals_.async_wait([this](const asio::error_code& error, int signal) {
    if (error) return;
    if (signal == SIGCHLD) reap();
    if (signal == SIGHUP && !stopping_) reload();
    if (signal == SIGTERM || signal == SIGINT) stop();
    wait_for_signals();
  });
}

void Keeper::reload() {
  notify_service_manager("RELOADING=1");
  auto policy = load_policy(options_.policy_path, options_.policy_must_exist);
  Expected<void> applied = policy ? apply(*policy) : Expected<void>(tl::unexpected(policy.error()));
  if (applied) {
    ++lineage_.reloads;
    publish_policy_image(policy_, options_.image_path);
    spdlog::info("policy {} is in force", options_.policy_path.string());
  } else {
    ++lineage_.failed_reloads;
    spdlog::error("the running policy stays: {}", applied.error().message);
  }
  notify_service_manager("READY=1");
}

Expected<void> Keeper::apply(const Policy& policy) {
  auto rules = rules::choose_rule_set(policy.daemon.backend, policy);
  if (!rules) return tl::unexpected(rules.error());
  if ((*rules)->backend() != rules_->backend()) {
    return tl::unexpected(Error{ExitCode::usage, "a change of daemon.backend takes effect on a restart only"});
  }
  auto opened = open_missing_lanes(policy);
  if (!opened) return tl::unexpected(opened.error());
  for (auto& lane : *opened) {
    if (auto worker = lane->start_worker(gate_config(policy)); !worker) return worker;
  }
  for (const auto& lane : lanes_) lane->queue().set_length(queue_settings(policy).length);
  if (auto installed = (*rules)->install(policy); !installed) return installed;
  rules_ = std::move(*rules);
  policy_ = policy;
  for (auto& lane : lanes_) lane->configure(gate_config(policy_));
  std::move(opened->begin(), opened->end(), std::back_inserter(lanes_));
  drop_unused_lanes();
  wait_for_activity();
  return {};
}

void Keeper::reap() {
  int status = 0;
  for (pid_t pid = waitpid(-1, &status, WNOHANG); pid > 0; pid = waitpid(-1, &status, WNOHANG)) {
    const auto lane = std::find_if(lanes_.begin(), lanes_.end(), [&](const auto& l) { return l->worker_ended(pid); });
    if (lane != lanes_.end() && !stopping_) replace_worker(**lane, status);
  }
  if (stopping_) finish_if_stopped();
}

void Keeper::replace_worker(Lane& lane, int wait_status) {
  const auto number = static_cast<unsigned>(lane.queue().number());
  const std::string reason = WIFSIGNALED(wait_status) ? fmt::format("killed by signal {}", WTERMSIG(wait_status))
                                                      : fmt::format("exit code {}", WEXITSTATUS(wait_status));
  spdlog::error("queue {}: worker ended ({}); what it held is accepted, starting another one", number, reason);
  const auto lived = std::chrono::steady_clock::now() - lane.worker_started();
  quick_deaths_ = lived < short_life ? quick_deaths_ + 1 : 0;
  auto started = lane.start_worker(gate_config(policy_));
  if (quick_deaths_ < max_quick_deaths && started) {
    ++lineage_.worker_restarts;
    wait_for_activity();
    return;
  }
  outcome_ = system_error(fmt::format("queue {}: workers do not stay alive ({}); giving up, traffic flows ungated",
                                      number, started ? reason : started.error().message));
  stop();
}

void Keeper::wait_for_activity() {
  std::vector<int> descriptors;
  for (const auto& lane : lanes_) {
    for (const int fd : lane->activity_descriptors()) descriptors.push_back(fd);
  }
  activity_.wait(descriptors, [this] {
    for (auto& lane : lanes_) lane->watch();
    look_again_later();
  });
}

void Keeper::look_again_later() {
  watch_timer_.expires_after(watch_interval);
  watch_timer_.async_wait([this](const asio::error_code& error) {
    if (!error && !stopping_) look_after_workers();
  });
}

void Keeper::look_after_workers() {
  const auto any_busy = [this] {
    bool busy = false;
    for (auto& lane : lanes_) busy = lane->busy() || busy;
    return busy;
  };
  const auto now = std::chrono::steady_clock::now();
  for (auto& lane : lanes_) {
    const auto silence = lane->silence(now);
    if (silence < longest_silence) continue;
    spdlog::error("queue {}: worker gave no sign of life for {} ms, killing it",
                  static_cast<unsigned>(lane->queue().number()),
                  std::chrono::duration_cast<std::chrono::milliseconds>(silence).count());
    lane->kill_worker();  // reap() does the rest
  }
  if (any_busy()) return look_again_later();
  for (auto& lane : lanes_) lane->rest();
  if (!any_busy()) return wait_for_activity();
  for (auto& lane : lanes_) lane->watch();
  look_again_later();
}

void Keeper::wait_for_rule_changes() {
  if (!ruleset_events_) return;
  if (!ruleset_descriptor_.is_open()) ruleset_descriptor_.assign(fcntl(ruleset_events_->fd(), F_DUPFD_CLOEXEC, 3));
  ruleset_descriptor_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const asio::error_code& error) {
    if (error || stopping_) return;
    check_rules_after(rules_settle);
  });
}

void Keeper::check_rules_after(std::chrono::milliseconds delay) {
  rules_timer_.expires_after(delay);
  rules_timer_.async_wait([this](const asio::error_code& cancelled) {
    if (cancelled || stopping_) return;
    check_rules();
  });
}

void Keeper::check_rules() {
  ruleset_events_->discard();
  if (rules_->intact()) return wait_for_rule_changes();
  if (auto restored = rules_->install(policy_); !restored) {
    spdlog::error("somebody changed the rules, and they can't be put back: {}", restored.error().message);
    return check_rules_after(rules_retry);
  }
  ++lineage_.rules_restored;
  spdlog::warn("somebody changed the rules; they are back");
  wait_for_rule_changes();
}

void Keeper::feed_watchdog() {
  const char* text = std::getenv("WATCHDOG_USEC");
  const long microseconds = text != nullptr ? std::strtol(text, nullptr, 10) : 0;
  if (microseconds <= 0) return;
  notify_service_manager("WATCHDOG=1");
  watchdog_timer_.expires_after(std::chrono::microseconds(microseconds / 2));
  watchdog_timer_.async_wait([this](const asio::error_code& error) {
    if (!error) feed_watchdog();
  });
}

void Keeper::stop() {
  if (stopping_) return;
  stopping_ = true;
  notify_service_manager("STOPPING=1");
  withdrawn_ = rules_->withdraw();
  if (!withdrawn_) spdlog::error("the rules stay, and bypass: {}", withdrawn_.error().message);
  for (const auto& lane : lanes_) lane->ask_to_stop();
  stop_timer_.expires_after(stop_patience);
  stop_timer_.async_wait([this](const asio::error_code& error) {
    if (error) return;
    for (const auto& lane : lanes_) lane->kill_worker();
  });
  finish_if_stopped();
}

void Keeper::finish_if_stopped() {
  const bool stopped = std::none_of(lanes_.begin(), lanes_.end(), [](const auto& lane) { return lane->worker(); });
  if (!stopped) return;
  lanes_.clear();
  spdlog::info("stopped: {}nothing is held", withdrawn_ ? "rules are empty, " : "");
  context_.stop();
}

std::string Keeper::answer(const std::string& request) const {
  const auto parsed = nlohmann::json::parse(request, nullptr, false);
  if (!parsed.is_object() || parsed.value("command", nlohmann::json()) != "status") {
    return R"({"error":"expected {\"command\":\"status\"}"})";
  }
  return status_json({stopping_ ? "stopping" : "running", rules::to_string(rules_->backend()),
                      options_.network_namespace, options_.policy_path.string(), lineage_, lanes_});
}

}  // namespace ctgate::daemon

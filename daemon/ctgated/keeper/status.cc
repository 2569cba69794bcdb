// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/ctgated/keeper/status.hh"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "daemon/ctgated/keeper/system.hh"

namespace ctgate::daemon {
namespace {

using Json = nlohmann::ordered_json;

struct NamedCounter {
  const char* name;
  Counter SharedCounters::*counter;
};

// Shown for the whole daemon and for each queue.
constexpr std::array<NamedCounter, 13> counters{{{"flows_holding", &SharedCounters::flows_holding},
                                                 {"held", &SharedCounters::held},
                                                 {"queued_total", &SharedCounters::queued_total},
                                                 {"held_total", &SharedCounters::held_total},
                                                 {"released_total", &SharedCounters::released_total},
                                                 {"promoted_total", &SharedCounters::promoted_total},
                                                 {"abandoned_flows_total", &SharedCounters::abandoned_flows_total},
                                                 {"overflow_total", &SharedCounters::overflow_total},
                                                 {"unparsed_total", &SharedCounters::unparsed_total},
                                                 {"events_total", &SharedCounters::events_total},
                                                 {"event_overruns_total", &SharedCounters::event_overruns_total},
                                                 {"queue_overruns_total", &SharedCounters::queue_overruns_total},
                                                 {"lookups_total", &SharedCounters::lookups_total}}};

Json queue_json(const Lane& lane) {
  Json queue{{"number", static_cast<unsigned>(lane.queue().number())},
             {"release", to_string(lane.release())},
             {"worker_pid", lane.worker() ? Json(*lane.worker()) : Json(nullptr)},
             {"receive_buffer_bytes", lane.queue().receive_buffer()}};
  for (const auto& [name, counter] : counters) queue[name] = (lane.counters().*counter).load();
  return queue;
}

// Upper bounds in microseconds; the last bucket, without a bound, is the rest. Not cumulative.
Json histogram_json(const std::vector<std::unique_ptr<Lane>>& lanes) {
  Json buckets = Json::array();
  for (std::size_t i = 0; i <= hold_bounds.size(); ++i) {
    std::uint64_t count = 0;
    for (const auto& lane : lanes) count += lane->counters().hold_histogram[i].load();
    buckets.push_back(
        {{"le_us", i < hold_bounds.size() ? Json(hold_bounds[i].count()) : Json(nullptr)}, {"count", count}});
  }
  return buckets;
}

// The table is the network namespace's own, its limit is the host's.
Json conntrack_json() {
  const auto entries = read_sysctl("net.netfilter.nf_conntrack_count");
  const auto limit = read_sysctl("net.netfilter.nf_conntrack_max");
  Json table{{"entries", nullptr}, {"limit", nullptr}, {"table_full", false}};
  if (entries) table["entries"] = *entries;
  if (limit) table["limit"] = *limit;
  table["table_full"] = entries && limit && *limit > 0 && *entries >= *limit;
  const auto events = read_sysctl("net.netfilter.nf_conntrack_events");
  table["events_enabled"] = !events || *events != 0;
  return table;
}

}  // namespace

std::string status_json(const StatusFacts& facts) {
  Json status{{"state", facts.state},
              {"version", CTGATE_VERSION},
              {"pid", getpid()},
              {"backend", facts.backend},
              {"netns", facts.network_namespace.empty() ? Json(nullptr) : Json(facts.network_namespace)},
              {"policy", facts.policy_path}};
  for (const auto& [name, counter] : counters) {
    std::uint64_t sum = 0;
    for (const auto& lane : facts.lanes) sum += (lane->counters().*counter).load();
    status[name] = sum;
  }
  status["worker_restarts_total"] = facts.lineage.worker_restarts;
  status["rules_restored_total"] = facts.lineage.rules_restored;
  status["reloads_total"] = facts.lineage.reloads;
  status["failed_reloads_total"] = facts.lineage.failed_reloads;
  status["conntrack"] = conntrack_json();
  status["hold_time"] = histogram_json(facts.lanes);
  status["queues"] = Json::array();
  for (const auto& lane : facts.lanes) status["queues"].push_back(queue_json(*lane));
  // Paths may hold any bytes.
  return status.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace ctgate::daemon

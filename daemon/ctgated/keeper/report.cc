// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/ctgated/keeper/report.hh"

#include "daemon/ctgated/keeper/system.hh"

namespace ctgate::daemon {
namespace {

control::Number sysctl(std::string_view name) {
  const auto value = read_sysctl(name);
  if (!value || *value < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*value);
}

control::ConntrackStatus conntrack_status() {
  control::ConntrackStatus table;
  table.entries = sysctl("net.netfilter.nf_conntrack_count");
  table.limit = sysctl("net.netfilter.nf_conntrack_max");
  table.table_full = table.entries && table.limit && *table.limit > 0 && *table.entries >= *table.limit;
  table.events_enabled = sysctl("net.netfilter.nf_conntrack_events").value_or(1) != 0;
  return table;
}

control::QueueStatus queue_status(const Lane& lane) {
  control::QueueStatus queue;
  queue.number = lane.name().queue;
  queue.release = to_string(lane.name().release);
  if (lane.worker()) queue.worker_pid = static_cast<std::uint64_t>(*lane.worker());
  queue.receive_buffer_bytes = lane.queue().receive_buffer();
  Counters::for_each([](auto, control::Number& shown, const SharedNumber& value) { shown = value.load(); },
                     queue.counters, lane.shared().counters);
  return queue;
}

void add(control::Number& sum, std::uint64_t value) {
  sum = sum.value_or(0) + value;
}

}  // namespace

void report(const rules::RuleSetFigures& figures, control::Status& status) {
  status.ungated_full_total = figures.ungated_full;
  status.ungated_source_total = figures.ungated_source;
  for (const auto& set : figures.sets) {
    status.sets.push_back({set.name, std::string(set.family == Family::ipv4 ? "ip" : "ip6"), set.elements, set.size});
  }
}

void report(const Lanes& lanes, control::Status& status) {
  for (const auto bound : hold_bounds) status.hold_time.push_back({static_cast<std::uint64_t>(bound.count()), 0});
  status.hold_time.push_back({std::nullopt, 0});
  for (const auto& lane : lanes) {
    const auto& queue = status.queues.emplace_back(queue_status(*lane));
    Counters::for_each([](auto, control::Number& sum, const control::Number& value) { add(sum, value.value_or(0)); },
                       status.counters, queue.counters);
    for (std::size_t i = 0; i < status.hold_time.size(); ++i) {
      add(status.hold_time[i].count, lane->shared().hold_histogram[i].load());
    }
  }
  status.conntrack = conntrack_status();
}

}  // namespace ctgate::daemon

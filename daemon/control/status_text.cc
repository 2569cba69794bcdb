// SPDX-License-Identifier: GPL-2.0-or-later
// The status for people.
#include <fmt/format.h>

#include <algorithm>

#include "daemon/control/status.hh"

namespace ctgate::control {
namespace {

template <typename Value>
std::string shown(const std::optional<Value>& value) {
  return value ? fmt::format("{}", *value) : "?";
}

std::string duration_text(std::uint64_t microseconds) {
  if (microseconds < 1000) return fmt::format("{} us", microseconds);
  if (microseconds < 1'000'000) return fmt::format("{:g} ms", static_cast<double>(microseconds) / 1000);
  return fmt::format("{:g} s", static_cast<double>(microseconds) / 1'000'000);
}

// Bars to scale, empty buckets at both ends left out.
std::string histogram_text(const std::vector<HoldBucket>& buckets) {
  constexpr std::size_t width = 40;
  const auto filled = [](const HoldBucket& bucket) { return bucket.count.value_or(0) != 0; };
  const auto first = std::find_if(buckets.begin(), buckets.end(), filled);
  if (first == buckets.end()) return "  nothing was held yet\n";
  const auto end = std::find_if(buckets.rbegin(), buckets.rend(), filled).base();
  const auto largest = std::max_element(first, end, [](const HoldBucket& a, const HoldBucket& b) {
                         return a.count.value_or(0) < b.count.value_or(0);
                       })->count.value_or(0);
  std::string text;
  for (auto bucket = first; bucket != end; ++bucket) {
    const std::string label = bucket->le_us ? "up to " + duration_text(*bucket->le_us) : "longer";
    const auto count = bucket->count.value_or(0);
    text += fmt::format("  {:<14} {:>10}  {}\n", label, count, std::string(count * width / largest, '#'));
  }
  return text;
}

std::string fill_text(const std::vector<SetStatus>& sets) {
  std::string text;
  for (const auto& set : sets) {
    if (set.elements.value_or(0) == 0) continue;
    text +=
        fmt::format("{}{} {} {}", text.empty() ? "" : ", ", shown(set.family), shown(set.name), shown(set.elements));
  }
  return text.empty() ? "all sets are empty" : text;
}

}  // namespace

std::vector<std::string> problems(const Status& status) {
  std::vector<std::string> found;
  const auto rises = [](const Number& number) { return number.value_or(0) > 0; };
  if (status.conntrack.table_full.value_or(false)) {
    found.push_back(
        fmt::format("the conntrack table is full ({} entries): new flows are dropped by the kernel; raise "
                    "net.netfilter.nf_conntrack_max",
                    shown(status.conntrack.entries)));
  }
  for (const auto& set : status.sets) {
    if (!set.size || set.elements.value_or(0) < *set.size) continue;
    found.push_back(fmt::format("the set {} {} is full ({} flows): more pass ungated; find out who sends so many",
                                shown(set.family), shown(set.name), *set.size));
  }
  if (rises(status.ungated_full_total)) {
    found.push_back(fmt::format("{} new flows passed ungated because a set was full or being enlarged",
                                *status.ungated_full_total));
  }
  if (rises(status.ungated_source_total)) {
    found.push_back(fmt::format(
        "{} new flows passed ungated because their source began too many; if it may, raise gate.new_flows_per_source",
        *status.ungated_source_total));
  }
  if (status.reload_error) found.push_back("the last reload failed: " + *status.reload_error);
  if (rises(status.rules_restored_total)) {
    found.push_back(fmt::format(
        "other programs modified the rules, which were restored {} times; until then traffic passed ungated",
        *status.rules_restored_total));
  }
  if (rises(status.worker_restarts_total)) {
    found.push_back(fmt::format("{} workers had to be replaced; see the log", *status.worker_restarts_total));
  }
  return found;
}

std::string to_text(const Status& status, std::string_view own_version) {
  const auto& counters = status.counters;
  std::string text = fmt::format("ctgated {} is {} (process {}, backend {}, policy {}{})\n", shown(status.version),
                                 shown(status.state), shown(status.pid), shown(status.backend), shown(status.policy),
                                 status.netns ? ", netns " + *status.netns : std::string());
  if (status.version != own_version) {
    text +=
        fmt::format("note           this is ctgate {}: fields that are new in the daemon are not shown\n", own_version);
  }
  text +=
      fmt::format("holding now    {} datagrams of {} flows\n", shown(counters.held_now), shown(counters.flows_holding));
  text += fmt::format("queued         {}\n", shown(counters.queued));
  text += fmt::format("held           {}, released {}, promoted {}, flows given up {}\n", shown(counters.held),
                      shown(counters.released), shown(counters.promoted), shown(counters.abandoned));
  text += fmt::format("over a limit   {}, unparsed {}\n", shown(counters.overflow), shown(counters.unparsed));
  text += fmt::format("conntrack      {} events, {} lookups, overruns: {} of events, {} of queues\n",
                      shown(counters.events), shown(counters.lookups), shown(counters.event_overruns),
                      shown(counters.queue_overruns));
  text += fmt::format("repairs        {} workers replaced, {} times rules restored\n",
                      shown(status.worker_restarts_total), shown(status.rules_restored_total));
  text += fmt::format("ungated        {} new flows over the limit of their source, {} because a set was full\n",
                      shown(status.ungated_source_total), shown(status.ungated_full_total));
  text += fmt::format("sets           {}\n", fill_text(status.sets));
  if (!status.conntrack.events_enabled.value_or(true)) {
    text += "note           net.netfilter.nf_conntrack_events is 0: ctgated has to look flows up instead\n";
  }
  for (const auto& queue : status.queues) {
    text += fmt::format("queue {:<8} worker {}, releases when {}, {} queued, {} held\n", shown(queue.number),
                        queue.worker_pid ? shown(queue.worker_pid) : "none", shown(queue.release),
                        shown(queue.counters.queued), shown(queue.counters.held));
  }
  text += "hold times\n" + histogram_text(status.hold_time);
  for (const auto& problem : problems(status)) text += fmt::format("PROBLEM        {}\n", problem);
  return text;
}

}  // namespace ctgate::control

// SPDX-License-Identifier: GPL-2.0-or-later
// The status of a running ctgated as a value: the daemon fills it in, `ctgate status` shows it, JSON is in between.
// Each struct has one list of its fields, which both directions use; keys are in snake_case, counters that only rise
// end in _total.
//
// Every field may be empty: the answer may come from another version of the daemon. In JSON an empty field is null.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/gate/counters.hh"
#include "policy/base/error.hh"

namespace ctgate::control {

using Number = std::optional<std::uint64_t>;
using Text = std::optional<std::string>;
using ReportedCounters = BasicCounters<Number>;

// The conntrack table: entries are those of the network namespace, the limit is the host's.
struct ConntrackStatus {
  Number entries;
  Number limit;
  std::optional<bool> table_full;
  std::optional<bool> events_enabled;  // net.netfilter.nf_conntrack_events

  template <typename Self, typename Visit>
  static void for_each(Self& self, Visit&& visit) {
    visit("entries", self.entries);
    visit("limit", self.limit);
    visit("table_full", self.table_full);
    visit("events_enabled", self.events_enabled);
  }
};

// A bucket of the histogram of hold times; not cumulative.
struct HoldBucket {
  Number le_us;  // upper bound in microseconds; empty for the last bucket, which holds the rest
  Number count;

  template <typename Self, typename Visit>
  static void for_each(Self& self, Visit&& visit) {
    visit("le_us", self.le_us);
    visit("count", self.count);
  }
};

// A set of the rules; a full one lets datagrams pass ungated.
struct SetStatus {
  Text name;
  Text family;  // "ip" or "ip6"
  Number elements;
  Number size;

  template <typename Self, typename Visit>
  static void for_each(Self& self, Visit&& visit) {
    visit("name", self.name);
    visit("family", self.family);
    visit("elements", self.elements);
    visit("size", self.size);
  }
};

struct QueueStatus {
  Number number;
  Text release;       // "confirmed" or "replied"
  Number worker_pid;  // empty while there is none
  Number receive_buffer_bytes;
  ReportedCounters counters;

  template <typename Self, typename Visit>
  static void for_each(Self& self, Visit&& visit) {
    visit("number", self.number);
    visit("release", self.release);
    visit("worker_pid", self.worker_pid);
    visit("receive_buffer_bytes", self.receive_buffer_bytes);
    ReportedCounters::for_each(visit, self.counters);
  }
};

struct Status {
  Text state;  // "running" or "stopping"
  Text version;
  Number pid;
  Text backend;
  Text netns;  // as it was given; empty: the one that the daemon was started in
  Text policy;
  ReportedCounters counters;  // the sums over all queues
  Number worker_restarts_total;
  Number rules_restored_total;
  Number reloads_total;
  Number failed_reloads_total;
  Text reload_error;            // of the last reload, if that failed
  Number ungated_full_total;    // new flows that passed ungated because a set was full or was being enlarged,
  Number ungated_source_total;  // because their source began too many
  std::vector<SetStatus> sets;  // of backends nftables
  ConntrackStatus conntrack;
  std::vector<HoldBucket> hold_time;  // over all queues
  std::vector<QueueStatus> queues;

  template <typename Self, typename Visit>
  static void for_each(Self& self, Visit&& visit) {
    visit("state", self.state);
    visit("version", self.version);
    visit("pid", self.pid);
    visit("backend", self.backend);
    visit("netns", self.netns);
    visit("policy", self.policy);
    ReportedCounters::for_each(visit, self.counters);
    visit("worker_restarts_total", self.worker_restarts_total);
    visit("rules_restored_total", self.rules_restored_total);
    visit("reloads_total", self.reloads_total);
    visit("failed_reloads_total", self.failed_reloads_total);
    visit("reload_error", self.reload_error);
    visit("ungated_full_total", self.ungated_full_total);
    visit("ungated_source_total", self.ungated_source_total);
    visit("sets", self.sets);
    visit("conntrack", self.conntrack);
    visit("hold_time", self.hold_time);
    visit("queues", self.queues);
  }
};

// One line without its end. Bytes that are not UTF-8, as paths may have, are replaced.
[[nodiscard]] std::string to_json(const Status& status);

// What can be read of a daemon's answer: unknown keys are ignored; fields that are missing, or of another type than
// expected, stay empty. ExitCode::system if it is not a JSON object, or is the daemon's error message.
[[nodiscard]] Expected<Status> status_from_json(std::string_view text);

// What is wrong now, a sentence each, the gravest first; empty if nothing is.
[[nodiscard]] std::vector<std::string> problems(const Status& status);

// For people; several lines, the last ones are the problems. `own_version`: of the program that prints. What the daemon
// did not report shows as "?", and if its version differs a line says so.
[[nodiscard]] std::string to_text(const Status& status, std::string_view own_version);

}  // namespace ctgate::control

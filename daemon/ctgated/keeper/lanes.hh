// SPDX-License-Identifier: GPL-2.0-or-later
// All lanes of a daemon.
#pragma once

#include <memory>
#include <vector>

#include "daemon/ctgated/keeper/lane.hh"

namespace ctgate::daemon {

class Lanes {
 public:
  // Opens lanes, without starting workers yet. All or none.
  [[nodiscard]] static Expected<Lanes> open(const std::vector<LaneName>& names, const netlink::QueueSettings& settings);

  [[nodiscard]] std::vector<LaneName> names() const;
  // Takes all lanes of `others`.
  void add(Lanes others);
  // Ends the workers of these lanes and accepts what they hold.
  void close(const std::vector<LaneName>& names);
  void close_all() { lanes_.clear(); }

  // One worker for each lane.
  [[nodiscard]] Expected<void> start_workers(const WorkerConfig& config, int queue_list);
  [[nodiscard]] bool any_worker() const;

  // Whether any lane is busy; all are asked, as Lane::busy() requires.
  [[nodiscard]] bool any_busy();
  void start_watching();
  void stop_watching();
  [[nodiscard]] std::vector<int> activity_descriptors() const;

  // The lane whose worker was `pid`, which has ended; what it held is accepted. nullptr: none of ours.
  [[nodiscard]] Lane* worker_ended(pid_t pid);

  [[nodiscard]] auto begin() const { return lanes_.begin(); }
  [[nodiscard]] auto end() const { return lanes_.end(); }
  [[nodiscard]] std::size_t size() const { return lanes_.size(); }

 private:
  std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace ctgate::daemon

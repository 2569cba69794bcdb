// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/ctgated/keeper/lanes.hh"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>

namespace ctgate::daemon {

Expected<Lanes> Lanes::open(const std::vector<LaneName>& names, const netlink::QueueSettings& settings) {
  Lanes opened;
  for (const auto& name : names) {
    auto lane = Lane::open(name, settings);
    if (!lane) return tl::unexpected(lane.error());
    spdlog::debug("queue {}: receive buffer {} bytes", name.queue, (*lane)->queue().receive_buffer());
    opened.lanes_.push_back(std::move(*lane));
  }
  return opened;
}

std::vector<LaneName> Lanes::names() const {
  std::vector<LaneName> names;
  for (const auto& lane : lanes_) names.push_back(lane->name());
  return names;
}

void Lanes::add(Lanes others) {
  std::move(others.lanes_.begin(), others.lanes_.end(), std::back_inserter(lanes_));
}

void Lanes::close(const std::vector<LaneName>& names) {
  std::erase_if(lanes_, [&](const auto& lane) { return std::ranges::find(names, lane->name()) != names.end(); });
}

Expected<void> Lanes::start_workers(const WorkerConfig& config, int queue_list) {
  for (const auto& lane : lanes_) {
    if (auto started = lane->start_worker(config, queue_list); !started) return started;
  }
  return {};
}

bool Lanes::any_worker() const {
  return std::ranges::any_of(lanes_, [](const auto& lane) { return lane->worker().has_value(); });
}

bool Lanes::any_busy() {
  bool busy = false;
  for (const auto& lane : lanes_) busy = lane->busy() || busy;
  return busy;
}

void Lanes::start_watching() {
  for (const auto& lane : lanes_) lane->start_watching();
}

void Lanes::stop_watching() {
  for (const auto& lane : lanes_) lane->stop_watching();
}

std::vector<int> Lanes::activity_descriptors() const {
  std::vector<int> descriptors;
  for (const auto& lane : lanes_) std::ranges::copy(lane->activity_descriptors(), std::back_inserter(descriptors));
  return descriptors;
}

Lane* Lanes::worker_ended(pid_t pid) {
  const auto lane = std::ranges::find_if(lanes_, [&](const auto& each) { return each->worker_ended(pid); });
  return lane == lanes_.end() ? nullptr : lane->get();
}

}  // namespace ctgate::daemon

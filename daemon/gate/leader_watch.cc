// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/gate/leader_watch.hh"

#include <algorithm>

namespace ctgate {

void VerdictTimes::Smoothed::add(Duration taken) {
  if (mean == Duration::zero()) {
    mean = taken;
    deviation = taken / 2;
    return;
  }
  const Duration error = taken > mean ? taken - mean : mean - taken;
  deviation += (error - deviation) / 4;
  mean += (taken - mean) / 8;
}

void VerdictTimes::add(Duration taken) {
  all_.add(taken);
  if (taken < slow) usual_.add(taken);
}

void LeaderWatch::start(Time now, std::uint32_t earlier) {
  *this = LeaderWatch();
  since_ = now;
  earlier_ = earlier;
}

bool LeaderWatch::nothing_waits(Time now) {
  if (empty_ == 0) empty_since_ = now;
  ++empty_;
  return empty_ >= empty_looks && now - empty_since_ >= empty_for;
}

LeaderWatch::Seen* LeaderWatch::seen(const ForeignQueue& queue) {
  const auto end = seen_.begin() + static_cast<std::ptrdiff_t>(count_);
  const auto found = std::find_if(seen_.begin(), end, [&](const Seen& s) { return s.number == queue.number; });
  if (found != end) return &*found;
  if (count_ == most_queues) return nullptr;
  seen_[count_] = {queue.number, queue.last_id, queue.last_id, queue.waiting};
  return &seen_[count_++];
}

bool LeaderWatch::turned_over(const ForeignQueue& queue) {
  const Seen* before = seen(queue);
  if (before == nullptr) return false;
  // The oldest that waits is last_id - waiting + 1, where the consumer answers in order.
  return queue.waiting == 0 || static_cast<std::int32_t>(queue.last_id - queue.waiting - before->last_id) >= 0;
}

bool LeaderWatch::somebody_waits(const Seen& seen, std::uint32_t last_id, Time now, Duration usual) const {
  if (seen.least == 0) return false;
  const std::chrono::duration<double> time = now - since_, verdict = usual;
  const double average = (last_id - seen.first_id) / time.count() * verdict.count();
  return average < busy_average || seen.least > 1.5 * average;
}

bool LeaderWatch::leader_is_gone(std::span<const ForeignQueue> queues, Time now, const VerdictTimes& verdicts) {
  const bool any = std::any_of(queues.begin(), queues.end(), [](const auto& queue) { return queue.waiting > 0; });
  if (!any) {
    for (auto& queue : seen_) queue.least = 0;
    return nothing_waits(now);
  }
  empty_ = 0;
  ++looks_;
  bool all_turned = true;
  bool may_wait = false;
  for (const auto& queue : queues) {
    all_turned = turned_over(queue) && all_turned;
    Seen* before = seen(queue);
    if (before == nullptr) return false;
    before->least = std::min(before->least, queue.waiting);
    may_wait = may_wait || somebody_waits(*before, queue.last_id, now, verdicts.usual());
  }
  if (all_turned) {
    ++turns_;
    for (const auto& queue : queues) seen(queue)->last_id = queue.last_id;
  }
  // A leader can go from one queue to the next, so each has to turn over after the one before it.
  const bool decided = turns_ > queues.size();
  const Duration patience = std::max(busy_for, verdicts.bound()) * (1U << std::min(earlier_, 10U));
  return decided && !may_wait && looks_ >= busy_looks && now - since_ >= patience;
}

}  // namespace ctgate

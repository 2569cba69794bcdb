// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/gate/leader_watch.hh"

#include <algorithm>

namespace ctgate {

void VerdictTimes::add(Duration taken) {
  if (mean_ == Duration::zero()) {
    mean_ = taken;
    deviation_ = taken / 2;
    return;
  }
  const Duration error = taken > mean_ ? taken - mean_ : mean_ - taken;
  deviation_ += (error - deviation_) / 4;
  mean_ += (taken - mean_) / 8;
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
  seen_[count_] = {queue.number, queue.last_id, queue.waiting, 0};
  return &seen_[count_++];
}

bool LeaderWatch::turned_over(const ForeignQueue& queue) {
  const Seen* before = seen(queue);
  if (before == nullptr) return false;
  // The oldest that waits is last_id - waiting + 1, where the consumer answers in order.
  return queue.waiting == 0 || static_cast<std::int32_t>(queue.last_id - queue.waiting - before->last_id) >= 0;
}

bool LeaderWatch::leader_is_gone(std::span<const ForeignQueue> queues, Time now, Duration verdict_bound) {
  const bool any = std::any_of(queues.begin(), queues.end(), [](const auto& queue) { return queue.waiting > 0; });
  if (!any) return nothing_waits(now);
  empty_ = 0;
  ++looks_;
  bool all_turned = true;
  bool somebody_waits_for_long = false;
  for (const auto& queue : queues) {
    all_turned = turned_over(queue) && all_turned;
    Seen* before = seen(queue);
    if (before == nullptr) return false;
    if (queue.waiting < before->least) {
      before->least = queue.waiting;
      before->times_least = 0;
    }
    if (queue.waiting == before->least) ++before->times_least;
    somebody_waits_for_long |= before->least > 0 && std::size_t{before->times_least} * 4 >= std::size_t{looks_} * 3;
  }
  if (all_turned) {
    ++turns_;
    for (const auto& queue : queues) seen(queue)->last_id = queue.last_id;
  }
  // A leader can go from one queue to the next, so each has to turn over after the one before it.
  const bool decided = turns_ > queues.size();
  const Duration patience = std::max(busy_for, verdict_bound) * (1U << std::min(earlier_, 10U));
  return decided && !somebody_waits_for_long && looks_ >= busy_looks && now - since_ >= patience;
}

}  // namespace ctgate

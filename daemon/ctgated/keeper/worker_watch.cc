// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/ctgated/keeper/worker_watch.hh"

namespace ctgate::daemon {

std::chrono::nanoseconds Heartbeat::silent_for(std::uint64_t beat, Time now) {
  if (!silent_since_ || beat != last_beat_) silent_since_ = now;
  last_beat_ = beat;
  return now - *silent_since_;
}

bool WorkerWatch::all_checked(bool busy, Time now) {
  start(now);
  return !busy;
}

void WorkerWatch::told_to_rest(bool busy, Time now) {
  next_look_.reset();
  if (busy) start(now);
}

bool WorkerWatch::worth_a_restart(std::chrono::nanoseconds life) {
  short_lives_ = life < short_life ? short_lives_ + 1 : 0;
  return short_lives_ < max_short_lives;
}

}  // namespace ctgate::daemon

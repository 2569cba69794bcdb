// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/ctgated/keeper/orphan.hh"

#include <fmt/format.h>
#include <signal.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <fstream>
#include <optional>
#include <string>
#include <thread>

#include "daemon/ctgated/worker/worker.hh"
#include "daemon/netlink/queue_owner.hh"

namespace ctgate::daemon {
namespace {

using namespace std::chrono_literals;

struct ProcessFacts {
  std::string name;
  pid_t parent = 0;
};

// proc_pid_stat(5): the name is in parentheses and may hold any character.
std::optional<ProcessFacts> look_at(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string text;
  std::getline(file, text);
  const auto open = text.find('('), close = text.rfind(')');
  if (open == std::string::npos || close == std::string::npos || close + 4 > text.size()) return std::nullopt;
  ProcessFacts facts{text.substr(open + 1, close - open - 1), 0};
  facts.parent = static_cast<pid_t>(std::strtol(text.c_str() + close + 3, nullptr, 10));  // ") S PARENT"
  return facts;
}

// A keeper has a name of another kind and keeps its queue, whoever its parent is.
bool is_orphan(pid_t pid) {
  const auto worker = look_at(pid);
  if (!worker || worker->name != worker_process_name) return false;
  const auto parent = look_at(worker->parent);
  return !parent || parent->name != keeper_process_name;
}

std::optional<pid_t> orphan_on(std::uint16_t queue) {
  const auto owner = netlink::find_queue_owner(queue);
  if (!owner || !owner->process || !is_orphan(*owner->process)) return std::nullopt;
  return owner->process;
}

// The number may stay taken for a moment after the process has closed its files.
bool freed_within(std::uint16_t queue, std::chrono::milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (netlink::last_queued_id(queue)) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(5ms);
  }
  return true;
}

}  // namespace

void end_orphan(std::uint16_t queue) {
  const auto pid = orphan_on(queue);
  if (!pid) return;
  spdlog::warn("queue {}: held by a worker whose keeper is gone (process {}), ending it", queue, *pid);
  if (kill(*pid, SIGTERM) != 0) return;
  kill(*pid, SIGCONT);
  if (freed_within(queue, 200ms)) return;
  if (orphan_on(queue) == pid) kill(*pid, SIGKILL);
  (void)freed_within(queue, 1s);
}

}  // namespace ctgate::daemon

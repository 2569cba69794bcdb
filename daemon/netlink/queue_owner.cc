// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/netlink/queue_owner.hh"

#include <fmt/format.h>
#include <linux/netlink.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "daemon/netlink/queue_list.hh"

namespace ctgate::netlink {
namespace {

namespace fs = std::filesystem;

// /proc/net is the namespace of the process's first thread; this one is the calling thread's.
constexpr const char* sockets_path = "/proc/thread-self/net/netlink";

std::optional<QueueLine> read_queue_line(std::uint16_t queue) {
  const auto list = QueueList::open();
  std::vector<QueueLine> lines;
  if (!list || !read_queue_list(list->fd(), lines)) return std::nullopt;
  const auto line = std::ranges::find(lines, queue, &QueueLine::number);
  return line == lines.end() ? std::nullopt : std::optional(*line);
}

// Columns: sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode
std::optional<std::uint64_t> socket_inode(std::uint32_t port_id) {
  std::ifstream file(sockets_path);
  std::string text;
  std::getline(file, text);
  while (std::getline(file, text)) {
    std::istringstream fields(text);
    std::string address, groups;
    std::uint32_t protocol = 0, port = 0;
    std::uint64_t rmem = 0, wmem = 0, dump = 0, locks = 0, drops = 0, inode = 0;
    if (fields >> address >> protocol >> port >> groups >> rmem >> wmem >> dump >> locks >> drops >> inode &&
        protocol == NETLINK_NETFILTER && port == port_id) {
      return inode;
    }
  }
  return std::nullopt;
}

bool holds_socket(const fs::path& process, const std::string& link) {
  std::error_code error;
  for (fs::directory_iterator entry(process / "fd", error), end; !error && entry != end; entry.increment(error)) {
    std::error_code ignored;
    if (fs::read_symlink(entry->path(), ignored) == link) return true;
  }
  return false;
}

// A socket may be shared by several processes; the oldest number is the one to name.
std::optional<int> process_with_socket(std::uint64_t inode) {
  const std::string link = fmt::format("socket:[{}]", inode);
  std::vector<int> found;
  std::error_code error;
  for (fs::directory_iterator entry("/proc", error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename();
    int pid = 0;
    const auto [last, status] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (status != std::errc() || last != name.data() + name.size()) continue;
    if (holds_socket(entry->path(), link)) found.push_back(pid);
  }
  if (found.empty()) return std::nullopt;
  return *std::min_element(found.begin(), found.end());
}

// Empty: no such process.
std::string process_name(int pid) {
  std::string name;
  std::ifstream comm(fmt::format("/proc/{}/comm", pid));
  std::getline(comm, name);
  return name;
}

QueueOwner owner_of_port(std::uint32_t port_id) {
  const auto inode = socket_inode(port_id);
  const auto pid = inode ? process_with_socket(*inode) : std::nullopt;
  if (pid) {
    const auto name = process_name(*pid);
    return {port_id, pid, name, fmt::format("\"{}\" (process {})", name, *pid)};
  }
  // Without the right to look into other processes: the kernel takes the process's number as port where it is free
  // (netlink_autobind(), net/netlink/af_netlink.c).
  std::string description = fmt::format("netlink port {}", port_id);
  const auto name = process_name(static_cast<int>(port_id));
  if (!name.empty()) description += fmt::format(", probably \"{}\" (process {})", name, port_id);
  return {port_id, std::nullopt, "", description};
}

}  // namespace

std::optional<QueueOwner> find_queue_owner(std::uint16_t queue) {
  const auto line = read_queue_line(queue);
  if (!line) return std::nullopt;
  return owner_of_port(line->port_id);
}

tl::unexpected<Error> queue_taken(std::uint16_t queue, const QueueOwner& owner) {
  return system_error(fmt::format("queue {} is taken by {}; stop it, or set another number with daemon.queue", queue,
                                  owner.description));
}

Expected<std::map<std::uint16_t, QueueOwner>> queue_owners() {
  std::map<std::uint16_t, QueueOwner> owners;
  const auto list = QueueList::open();
  if (!list && !QueueList::exists()) return owners;
  if (!list) return tl::unexpected(list.error());
  std::vector<QueueLine> lines;
  if (!read_queue_list(list->fd(), lines)) return errno_error("read the list of queues", errno);
  for (const auto& line : lines) owners.emplace(line.number, owner_of_port(line.port_id));
  return owners;
}

std::optional<std::uint32_t> last_queued_id(std::uint16_t queue) {
  const auto line = read_queue_line(queue);
  if (!line) return std::nullopt;
  return line->last_id;
}

}  // namespace ctgate::netlink

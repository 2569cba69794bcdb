// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/netlink/queue_list.hh"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <string>
#include <string_view>

namespace ctgate::netlink {
namespace {

// /proc/net is the namespace of the process's first thread; this one is the calling thread's.
constexpr const char* path = "/proc/thread-self/net/netfilter/nfnetlink_queue";

// Columns: number, port, waiting, copy mode, copy range, dropped, dropped for want of room in the socket, last id, 1
std::optional<QueueLine> parse(std::string_view line) {
  std::array<std::uint32_t, 8> columns{};
  const char* at = line.data();
  const char* const end = line.data() + line.size();
  for (auto& column : columns) {
    while (at != end && *at == ' ') ++at;
    const auto [next, error] = std::from_chars(at, end, column);
    if (error != std::errc()) return std::nullopt;
    at = next;
  }
  return QueueLine{static_cast<std::uint16_t>(columns[0]), columns[1], columns[2], columns[7]};
}

}  // namespace

Expected<QueueList> QueueList::open() {
  FileDescriptor file(::open(path, O_RDONLY | O_CLOEXEC));
  if (!file) return errno_error(std::string("open ") + path, errno);
  return QueueList(std::move(file));
}

bool QueueList::exists() {
  return ::access(path, F_OK) == 0;
}

bool read_queue_list(int fd, std::vector<QueueLine>& lines) {
  lines.clear();
  std::array<char, 4096> buffer;
  std::string rest;  // of a line that the buffer cut
  for (off_t offset = 0;;) {
    // At the offset 0 the kernel makes the text anew.
    const auto count = pread(fd, buffer.data(), buffer.size(), offset);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    if (count == 0) return true;
    offset += count;
    rest.append(buffer.data(), static_cast<std::size_t>(count));
    std::size_t begin = 0;
    for (auto end = rest.find('\n'); end != std::string::npos; end = rest.find('\n', begin)) {
      if (const auto line = parse(std::string_view(rest).substr(begin, end - begin))) lines.push_back(*line);
      begin = end + 1;
    }
    rest.erase(0, begin);
  }
}

std::optional<std::span<const ForeignQueue>> ForeignQueues::read() {
  if (fd_ < 0 || !read_queue_list(fd_, lines_)) return std::nullopt;
  queues_.clear();
  for (const auto& line : lines_) {
    if (line.number >= first_ && line.number <= last_) continue;
    queues_.push_back({line.number, line.waiting, line.last_id});
  }
  return queues_;
}

}  // namespace ctgate::netlink

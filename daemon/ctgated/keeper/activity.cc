// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/ctgated/keeper/activity.hh"

#include <sys/epoll.h>

namespace ctgate::daemon {

Activity::Activity(asio::io_context& context) : context_(context), set_(context) {}

void Activity::wait(const std::vector<int>& fds, std::function<void()> on_activity) {
  asio::error_code ignored;
  set_.close(ignored);
  const int set = epoll_create1(EPOLL_CLOEXEC);
  if (set < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
  for (const int fd : fds) {
    if (fd < 0) continue;
    epoll_event event{};
    event.events = EPOLLIN | EPOLLONESHOT;
    epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
  }
  set_ = asio::posix::stream_descriptor(context_, set);
  set_.async_wait(asio::posix::stream_descriptor::wait_read,
                  [on_activity = std::move(on_activity)](const asio::error_code& error) {
                    if (!error) on_activity();
                  });
}

}  // namespace ctgate::daemon

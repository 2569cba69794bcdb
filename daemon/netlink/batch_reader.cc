// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/netlink/batch_reader.hh"

#include <libmnl/libmnl.h>

#include <cerrno>

namespace ctgate::netlink {

BatchReader::BatchReader(std::size_t message_space) : space_(batch * message_space), vectors_{}, messages_{} {
  for (std::size_t i = 0; i < batch; ++i) {
    vectors_[i] = {space_.data() + i * message_space, message_space};
    messages_[i].msg_hdr.msg_iov = &vectors_[i];
    messages_[i].msg_hdr.msg_iovlen = 1;
  }
}

BatchReader::Status BatchReader::read(int fd, const std::function<void(const nlmsghdr&)>& each) {
  const int count = recvmmsg(fd, messages_.data(), batch, MSG_DONTWAIT, nullptr);
  if (count < 0) {
    if (errno == ENOBUFS) return Status::overrun;
    return errno == EINTR ? Status::more : Status::drained;
  }
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    int remaining = static_cast<int>(messages_[i].msg_len);
    for (const auto* message = static_cast<const nlmsghdr*>(vectors_[i].iov_base); mnl_nlmsg_ok(message, remaining);
         message = mnl_nlmsg_next(message, &remaining)) {
      each(*message);
    }
  }
  return count == static_cast<int>(batch) ? Status::more : Status::drained;
}

}  // namespace ctgate::netlink

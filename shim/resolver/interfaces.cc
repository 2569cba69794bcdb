// SPDX-License-Identifier: GPL-2.0-or-later
#include "shim/resolver/interfaces.hh"

#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace ctgate::resolver {
namespace {

constexpr std::uint32_t sequence = 1;  // of our only request

template <typename Value>
Value copy_of(const void* bytes) {
  Value value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

// Gives the port, or 0 if it failed.
std::uint32_t bind_socket(int fd) {
  sockaddr_nl name{};
  name.nl_family = AF_NETLINK;
  socklen_t length = sizeof name;
  if (bind(fd, reinterpret_cast<const sockaddr*>(&name), length) != 0) return 0;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&name), &length) != 0) return 0;
  return name.nl_pid;
}

bool send_request(int fd, std::uint16_t type) {
  struct {
    nlmsghdr header;
    rtgenmsg family;
    std::uint8_t padding[3];
  } request{};
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = type;
  request.header.nlmsg_flags = NLM_F_ROOT | NLM_F_MATCH | NLM_F_REQUEST;
  request.header.nlmsg_seq = sequence;
  request.family.rtgen_family = AF_UNSPEC;
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  ssize_t sent = 0;
  do {
    sent = sendto(fd, &request, sizeof request, 0, reinterpret_cast<const sockaddr*>(&kernel), sizeof kernel);
  } while (sent < 0 && errno == EINTR);
  return sent == static_cast<ssize_t>(sizeof request);
}

// Reads one datagram of the kernel's answer. Less than 0: an error, or it did not fit.
ssize_t receive(int fd, void* buffer, std::size_t size, std::uint32_t& sender) {
  sockaddr_nl name{};
  iovec part{buffer, size};
  msghdr message{};
  message.msg_name = &name;
  message.msg_namelen = sizeof name;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  ssize_t received = 0;
  do {
    received = recvmsg(fd, &message, 0);
  } while (received < 0 && errno == EINTR);
  sender = name.nl_pid;
  return (message.msg_flags & MSG_TRUNC) != 0 ? -1 : received;
}

// Calls `each(type, payload, size)` for every object, which returns false to fail. False: the list is incomplete.
template <typename Each>
bool read_all(int fd, std::uint32_t port, Each&& each) {
  alignas(nlmsghdr) char buffer[8192];
  for (;;) {
    std::uint32_t sender = 0;
    const ssize_t received = receive(fd, buffer, sizeof buffer, sender);
    if (received <= 0) return false;
    const auto size = static_cast<std::size_t>(received);
    std::size_t at = 0;
    while (size - at >= sizeof(nlmsghdr)) {
      const auto header = copy_of<nlmsghdr>(buffer + at);
      if (header.nlmsg_len < sizeof header || header.nlmsg_len > size - at) break;
      if (sender == 0 && header.nlmsg_pid == port && header.nlmsg_seq == sequence) {
        if (header.nlmsg_type == NLMSG_DONE) return true;
        if (header.nlmsg_type == NLMSG_ERROR) return false;
        if (!each(header.nlmsg_type, buffer + at + NLMSG_HDRLEN, header.nlmsg_len - NLMSG_HDRLEN)) return false;
      }
      at += NLMSG_ALIGN(header.nlmsg_len);
      if (at > size) break;
    }
  }
}

template <typename Each>
bool ask_kernel(std::uint16_t type, Each&& each) {
  const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) return false;
  const std::uint32_t port = bind_socket(fd);
  const bool whole = port != 0 && send_request(fd, type) && read_all(fd, port, each);
  close(fd);
  return whole;
}

// The first IFA_ADDRESS, else the last IFA_LOCAL. On a point-to-point link that is the peer's address, as in glibc.
const char* find_address(const char* payload, std::size_t size, std::size_t wanted) {
  const char* local = nullptr;
  for (std::size_t at = NLMSG_ALIGN(sizeof(ifaddrmsg)); at <= size && size - at >= sizeof(rtattr);) {
    const auto attribute = copy_of<rtattr>(payload + at);
    if (attribute.rta_len < sizeof attribute || attribute.rta_len > size - at) break;
    const bool fits = attribute.rta_len >= RTA_LENGTH(wanted);
    if (fits && attribute.rta_type == IFA_ADDRESS) return payload + at + RTA_LENGTH(0);
    if (fits && attribute.rta_type == IFA_LOCAL) local = payload + at + RTA_LENGTH(0);
    at += RTA_ALIGN(attribute.rta_len);
  }
  return local;
}

bool add_address(Interfaces& out, const char* payload, std::size_t size) {
  if (size < sizeof(ifaddrmsg)) return true;
  const auto about = copy_of<ifaddrmsg>(payload);
  if (about.ifa_family != AF_INET && about.ifa_family != AF_INET6) return true;
  const std::size_t wanted = about.ifa_family == AF_INET ? 4 : 16;
  const char* bytes = find_address(payload, size, wanted);
  if (bytes == nullptr) return true;
  InterfaceAddress found;
  found.interface = about.ifa_index;
  found.prefix = about.ifa_prefixlen;
  found.deprecated = (about.ifa_flags & (IFA_F_DEPRECATED | IFA_F_OPTIMISTIC)) != 0;
  found.home_address = (about.ifa_flags & IFA_F_HOMEADDRESS) != 0;
  if (about.ifa_family == AF_INET) {
    found.address[10] = 0xff;
    found.address[11] = 0xff;
    constexpr std::uint8_t loopback[4] = {127, 0, 0, 1};
    if (std::memcmp(bytes, loopback, 4) != 0) out.has_v4 = true;
  } else {
    constexpr std::uint8_t loopback[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    if (std::memcmp(bytes, loopback, 16) != 0) out.has_v6 = true;
  }
  std::memcpy(found.address + 16 - wanted, bytes, wanted);
  return out.addresses.push(found);
}

int by_address(const void* one, const void* other) {
  return std::memcmp(static_cast<const InterfaceAddress*>(one)->address,
                     static_cast<const InterfaceAddress*>(other)->address, 16);
}

}  // namespace

void read_interfaces(Interfaces& interfaces) {
  interfaces.has_v4 = false;
  interfaces.has_v6 = false;
  const bool whole = ask_kernel(RTM_GETADDR, [&](std::uint16_t type, const char* payload, std::size_t size) {
    return type != RTM_NEWADDR || add_address(interfaces, payload, size);
  });
  if (!whole) {
    interfaces.clear();
    interfaces.has_v4 = true;
    interfaces.has_v6 = true;
  } else if (!interfaces.has_v6) {
    interfaces.clear();
  } else {
    std::qsort(interfaces.addresses.data, interfaces.addresses.count, sizeof(InterfaceAddress), by_address);
  }
}

const InterfaceAddress* find(const Interfaces& interfaces, const std::uint8_t (&address)[16]) {
  if (interfaces.addresses.count == 0) return nullptr;
  InterfaceAddress key;
  std::memcpy(key.address, address, sizeof key.address);
  return static_cast<const InterfaceAddress*>(
      std::bsearch(&key, interfaces.addresses.data, interfaces.addresses.count, sizeof(InterfaceAddress), by_address));
}

void read_native_interfaces(List<std::uint32_t>& native) {
  const bool whole = ask_kernel(RTM_GETLINK, [&](std::uint16_t type, const char* payload, std::size_t size) {
    if (type != RTM_NEWLINK || size < sizeof(ifinfomsg)) return true;
    const auto about = copy_of<ifinfomsg>(payload);
    const bool tunnel =
        about.ifi_type == ARPHRD_TUNNEL6 || about.ifi_type == ARPHRD_TUNNEL || about.ifi_type == ARPHRD_SIT;
    return tunnel || native.push(static_cast<std::uint32_t>(about.ifi_index));
  });
  if (!whole) native.clear();
}

}  // namespace ctgate::resolver

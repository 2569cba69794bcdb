// SPDX-License-Identifier: GPL-2.0-or-later
#include "shim/resolver/sources.hh"

#include <netinet/in.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace ctgate::resolver {
namespace {

union Name {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

socklen_t to_name(const HostAddress& address, Name& name) {
  name = {};
  if (address.family == AF_INET) {
    name.v4.sin_family = AF_INET;
    std::memcpy(&name.v4.sin_addr, address.bytes, 4);
    return sizeof name.v4;
  }
  name.v6 = {};
  name.v6.sin6_family = AF_INET6;
  std::memcpy(&name.v6.sin6_addr, address.bytes, 16);
  return sizeof name.v6;
}

// One socket for all destinations; an IPv6 socket also serves IPv4.
class Probe {
 public:
  Probe() = default;
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;
  ~Probe() { shut(); }

  // The source address for `destination`, also in the form of InterfaceAddress::address. False: unreachable.
  bool ask(const HostAddress& destination, HostAddress& source, std::uint8_t (&mapped)[16]) {
    prepare(destination.family);
    Name name;
    const socklen_t length = to_name(destination, name);
    Name own;
    if (!try_connect(name, length, own) && !(retry_as_v4(destination.family) && try_connect(name, length, own))) {
      return false;
    }
    source.family = destination.family;
    std::memset(mapped, 0, sizeof mapped);
    if (family_ == AF_INET6) {
      std::memcpy(mapped, &own.v6.sin6_addr, 16);
      std::memcpy(source.bytes, mapped + (destination.family == AF_INET ? 12 : 0), source.size());
      return true;
    }
    std::memcpy(source.bytes, &own.v4.sin_addr, 4);
    mapped[10] = 0xff;
    mapped[11] = 0xff;
    constexpr std::uint8_t loopback[4] = {127, 0, 0, 1};
    // All of 127/8 belongs to the loopback interface, which is listed with one address.
    std::memcpy(mapped + 12, source.bytes[0] == 127 ? loopback : source.bytes, 4);
    return true;
  }

 private:
  void prepare(sa_family_t family) {
    if (fd_ == -1 || (family_ == AF_INET && family == AF_INET6)) {
      open(family);
      return;
    }
    sockaddr none{};
    none.sa_family = AF_UNSPEC;  // disconnects, see connect(2)
    (void)connect(fd_, &none, sizeof none);
  }

  bool try_connect(const Name& name, socklen_t length, Name& own) {
    socklen_t size = sizeof own;
    if (fd_ == -1) return false;
    return connect(fd_, &name.any, length) == 0 && getsockname(fd_, &own.any, &size) == 0;
  }

  // IPv6 sockets may be restricted to IPv6, or there may be no IPv6 at all.
  bool retry_as_v4(sa_family_t wanted) {
    if (errno != EAFNOSUPPORT || family_ != AF_INET6 || wanted != AF_INET) return false;
    open(AF_INET);
    return fd_ != -1;
  }

  void open(sa_family_t family) {
    shut();
    family_ = family;
    fd_ = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  }

  void shut() {
    if (fd_ != -1) close(fd_);
    fd_ = -1;
  }

  int fd_ = -1;
  sa_family_t family_ = AF_UNSPEC;
};

Route find_route(const HostAddress& destination, const Interfaces& interfaces, Probe& probe) {
  Route route;
  route.destination = destination;
  std::uint8_t mapped[16];
  route.reachable = probe.ask(destination, route.source, mapped);
  if (!route.reachable) return route;
  const InterfaceAddress* own = find(interfaces, mapped);
  if (own == nullptr) return route;
  route.deprecated = own->deprecated;
  route.home_address = own->home_address;
  route.prefix = own->prefix;
  route.interface = own->interface;
  return route;
}

bool several_interfaces(const List<Route>& routes) {
  for (std::size_t i = 1; i < routes.count; ++i) {
    if (routes.data[i].interface != routes.data[0].interface) return true;
  }
  return false;
}

bool contains(const List<std::uint32_t>& list, std::uint32_t value) {
  for (std::size_t i = 0; i < list.count; ++i) {
    if (list.data[i] == value) return true;
  }
  return false;
}

}  // namespace

bool find_routes(const HostAddressList& destinations, const Interfaces& interfaces, List<Route>& routes,
                 List<std::uint32_t>& native) {
  Probe probe;
  for (std::size_t i = 0; i < destinations.count; ++i) {
    if (!routes.push(find_route(destinations.data[i], interfaces, probe))) return false;
  }
  if (!several_interfaces(routes)) return true;
  read_native_interfaces(native);
  for (std::size_t i = 0; i < routes.count; ++i) {
    routes.data[i].native = contains(native, routes.data[i].interface);
  }
  return true;
}

}  // namespace ctgate::resolver

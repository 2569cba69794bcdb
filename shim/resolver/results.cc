// SPDX-License-Identifier: GPL-2.0-or-later
#include "shim/resolver/results.hh"

#include <netinet/in.h>

#include <cstdlib>
#include <cstring>

namespace ctgate::resolver {
namespace {

struct Entry {
  addrinfo* made;
  const Route* route;
  std::size_t position;  // before sorting
};

// Never 0, so equal addresses keep their order whatever the algorithm.
int by_route(const void* one, const void* other) {
  const auto* a = static_cast<const Entry*>(one);
  const auto* b = static_cast<const Entry*>(other);
  const int order = compare(*a->route, *b->route);
  if (order != 0) return order;
  return a->position < b->position ? -1 : 1;
}

in_port_t port_of(const addrinfo* service) {
  sockaddr_in name;
  std::memcpy(&name, service->ai_addr, sizeof name);
  return name.sin_port;
}

addrinfo* make_entry(const HostAddress& address, const addrinfo* service, int flags) {
  const std::size_t length = address.family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  auto* entry = static_cast<addrinfo*>(std::calloc(1, sizeof(addrinfo) + length));
  if (entry == nullptr) return nullptr;
  entry->ai_flags = flags;
  entry->ai_family = address.family;
  entry->ai_socktype = service->ai_socktype;
  entry->ai_protocol = service->ai_protocol;
  entry->ai_addrlen = static_cast<socklen_t>(length);
  entry->ai_addr = reinterpret_cast<sockaddr*>(entry + 1);
  if (address.family == AF_INET) {
    auto* name = reinterpret_cast<sockaddr_in*>(entry->ai_addr);
    name->sin_family = AF_INET;
    name->sin_port = port_of(service);
    std::memcpy(&name->sin_addr, address.bytes, 4);
  } else {
    auto* name = reinterpret_cast<sockaddr_in6*>(entry->ai_addr);
    name->sin6_family = AF_INET6;
    name->sin6_port = port_of(service);
    std::memcpy(&name->sin6_addr, address.bytes, 16);
  }
  return entry;
}

bool make_entries(const List<Route>& routes, const addrinfo* services, int flags, List<Entry>& entries) {
  for (std::size_t i = 0; i < routes.count; ++i) {
    for (const addrinfo* service = services; service != nullptr; service = service->ai_next) {
      addrinfo* made = make_entry(routes.data[i].destination, service, flags);
      if (made == nullptr) return false;
      if (!entries.push({made, &routes.data[i], entries.count})) {
        std::free(made);
        return false;
      }
    }
  }
  return entries.count > 0;
}

addrinfo* link(const List<Entry>& entries) {
  for (std::size_t i = 1; i < entries.count; ++i) entries.data[i - 1].made->ai_next = entries.data[i].made;
  return entries.data[0].made;
}

}  // namespace

addrinfo* make_results(const List<Route>& routes, const addrinfo* services, int flags, const char* canonical) {
  List<Entry> entries;
  addrinfo* results = nullptr;
  char* name = canonical == nullptr ? nullptr : strdup(canonical);
  if ((canonical == nullptr || name != nullptr) && make_entries(routes, services, flags, entries)) {
    // The same qsort(3) that getaddrinfo(3) uses: the relation is not always transitive, so the algorithm matters.
    if (routes.count > 1) std::qsort(entries.data, entries.count, sizeof(Entry), by_route);
    results = link(entries);
    results->ai_canonname = name;
  } else {
    for (std::size_t i = 0; i < entries.count; ++i) std::free(entries.data[i].made);
    std::free(name);
  }
  entries.clear();
  return results;
}

}  // namespace ctgate::resolver

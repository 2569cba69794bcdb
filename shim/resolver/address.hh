// SPDX-License-Identifier: GPL-2.0-or-later
// An IPv4 or IPv6 address, and a list of them that needs no C++ library at run time. Allocated by malloc(3), not freed
// by a destructor: whoever owns the list calls clear(), also when its thread is cancelled.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace ctgate::resolver {

struct Address {
  sa_family_t family = AF_UNSPEC;
  std::uint8_t bytes[16] = {};  // network order; the first four for AF_INET

  [[nodiscard]] std::size_t size() const { return family == AF_INET ? 4 : 16; }
};

// A list of a trivially copyable type.
template <typename Element>
struct List {
  Element* data = nullptr;
  std::size_t count = 0;
  std::size_t capacity = 0;

  // False: no memory.
  [[nodiscard]] bool append(const Element* elements, std::size_t some) {
    if (some > capacity - count) {
      std::size_t larger = capacity == 0 ? 16 : capacity * 2;
      if (larger < count + some) larger = count + some;
      auto* moved = static_cast<Element*>(std::realloc(data, larger * sizeof(Element)));
      if (moved == nullptr) return false;
      data = moved;
      capacity = larger;
    }
    std::memcpy(data + count, elements, some * sizeof(Element));
    count += some;
    return true;
  }

  [[nodiscard]] bool push(const Element& element) { return append(&element, 1); }

  void clear() {
    std::free(data);
    data = nullptr;
    count = 0;
    capacity = 0;
  }
};

using AddressList = List<Address>;

}  // namespace ctgate::resolver

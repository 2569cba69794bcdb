// SPDX-License-Identifier: GPL-2.0-or-later
// A growing list that needs no C++ library at run time. Its memory is from malloc(3) and is not freed by a destructor:
// the owner calls clear(), also when its thread is cancelled.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <type_traits>

namespace ctgate::resolver {

template <typename Element>
struct List {
  static_assert(std::is_trivially_copyable_v<Element>);

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

}  // namespace ctgate::resolver

// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/ctgate/preload/preload_list.hh"

#include "daemon/ctgate/preload/library.hh"

namespace ctgate::preload {

std::string prepend_library(std::string_view word, std::string_view value) {
  std::string result(word);
  while (!value.empty()) {
    const auto end = value.find_first_of(" :");
    const std::string_view item = value.substr(0, end);
    value.remove_prefix(end == std::string_view::npos ? value.size() : end + 1);
    const std::string_view name = item.substr(item.find_last_of('/') + 1);  // npos + 1 is 0
    if (item.empty() || item == word || name == library_name) continue;
    result += ':';
    result += item;
  }
  return result;
}

}  // namespace ctgate::preload

// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/ctgate/resolve/print.hh"

#include <fmt/format.h>

namespace ctgate::lookup {

void print_answer(const std::string& name, const Result& result) {
  if (!result.error.empty()) fmt::print("{}: {}\n", name, result.error);
  for (const auto& address : result.addresses) fmt::print("{}\n", address);
}

// The library says nothing where it has nothing to decide: the policy chose libc.
std::string path_of(const Result& result) {
  return result.path.empty() ? "resolved by libc" : result.path;
}

Json to_json(const Mode& mode, const Result& result) {
  Json object;
  object["mode"] = mode.title;
  object["error"] = result.error.empty() ? Json() : Json(result.error);
  object["addresses"] = result.addresses;
  object["canonical_name"] = result.canonical_name;
  object["milliseconds"] = result.milliseconds();
  object["datagrams"] = result.datagrams ? Json(*result.datagrams) : Json();
  object["path"] = result.path;
  return object;
}

}  // namespace ctgate::lookup

// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/ctgate/resolve/instruments/explain.hh"

#include <fmt/format.h>
#include <gnu/libc-version.h>

#include <iostream>

#include "daemon/ctgate/resolve/print.hh"

namespace ctgate::lookup {
namespace {

Json to_json(const Expected<LibcProbe>& probe) {
  Json object;
  object["version"] = gnu_get_libc_version();
  object["bug_30081"] = probe ? Json(probe->affected()) : Json();
  return object;
}

void print(const std::string& name, const Result& result, Resolver resolver) {
  print_answer(name, result);
  fmt::print("resolver   {} (policy)\n", to_string(resolver));
  fmt::print("path       {}\n", path_of(result));
  // Unless the resolver is off, RES_OPTIONS has single-request for lookups that are left to libc.
  if (resolver != Resolver::off) fmt::print("{}", to_text(probe_libc()));
  if (!result.canonical_name.empty()) fmt::print("canonical  {}\n", result.canonical_name);
  fmt::print("datagrams  {}\ntime       {:.1f} ms\n", datagrams_of(result), result.milliseconds());
}

}  // namespace

Expected<ExitCode> explain(const std::string& name, const Setup& setup, bool json) {
  auto mode = mode_of(setup.policy);
  mode.count_datagrams = true;
  const auto result = look_up(name, mode, setup);
  if (!result) return tl::unexpected(result.error());
  if (json) {
    auto object = to_json(mode, *result);
    object["libc"] = to_json(probe_libc());
    std::cout << object.dump(2) << '\n';
  } else {
    print(name, *result, setup.policy.shim.resolver);
  }
  return result->error.empty() ? ExitCode::ok : ExitCode::problem;
}

std::string datagrams_of(const Result& result) {
  return result.datagrams ? fmt::format("{}", *result.datagrams) : "unknown";
}

std::string to_text(const Expected<LibcProbe>& probe) {
  const std::string libc = fmt::format("bug 30081  glibc {}", gnu_get_libc_version());
  if (!probe) return fmt::format("{} could not be tested: {}\n", libc, probe.error().message);
  const double time = static_cast<double>(probe->duration.count()) / 1000;
  if (!probe->affected()) return fmt::format("{} answered in {:.1f} ms: not affected\n", libc, time);
  return fmt::format(
      "{} answered after {:.1f} ms: affected; with single-request, an error in reply to the first\n"
      "           question costs a timeout, 5 s by default\n",
      libc, time);
}

}  // namespace ctgate::lookup

// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/ctgate/resolve/instruments/compare.hh"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iostream>

#include "daemon/ctgate/resolve/instruments/explain.hh"
#include "daemon/ctgate/resolve/print.hh"

namespace ctgate::lookup {
namespace {

std::vector<Mode> all_modes() {
  std::vector<Mode> modes{{"libc", "", std::nullopt},
                          {"libc, single-request", "single-request", std::nullopt},
                          {"libc, single-request-reopen", "single-request-reopen", std::nullopt},
                          {"libc, use-vc (TCP)", "use-vc", std::nullopt},
                          {"ctgate, libc", "", Resolver::libc},
                          {"ctgate, c-ares", "", Resolver::c_ares},
                          {"ctgate, auto", "", Resolver::automatic}};
  for (auto& mode : modes) mode.count_datagrams = true;
  return modes;
}

std::string answer(const Result& result) {
  return result.error.empty() ? fmt::format("{}", fmt::join(result.addresses, " ")) : result.error;
}

// The order may change from one lookup to the next (round robin).
std::string in_any_order(Result result) {
  std::ranges::sort(result.addresses);
  return answer(result);
}

}  // namespace

Expected<ExitCode> compare(const std::string& name, const Setup& setup, bool json) {
  ExitCode code = ExitCode::ok;
  Json list = Json::array();
  std::string reference;
  for (const auto& mode : all_modes()) {
    const auto result = look_up(name, mode, setup);
    if (!result) return tl::unexpected(result.error());
    if (reference.empty()) reference = in_any_order(*result);
    const bool differs = in_any_order(*result) != reference;
    if (differs) code = ExitCode::problem;
    list.push_back(to_json(mode, *result));
    if (json) continue;
    fmt::print("{:<28} {:>9.1f} ms {:>3} datagrams  {}{}{}\n", mode.title, result->milliseconds(),
               datagrams_of(*result), answer(*result), differs ? "  DIFFERS" : "",
               result->path.empty() ? "" : "  (" + result->path + ")");
    std::cout.flush();
  }
  if (json) {
    std::cout << list.dump(2) << '\n';
  } else {
    fmt::print("{}", to_text(probe_libc()));
  }
  return code;
}

}  // namespace ctgate::lookup

// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/control/reload_outcome.hh"

#include <nlohmann/json.hpp>

namespace ctgate::control {

using Json = nlohmann::json;

std::string to_json(const Expected<void>& outcome) {
  Json json;
  if (outcome) {
    json["reloaded"] = true;
  } else {
    json["error"] = outcome.error().message;
    json["exit_code"] = static_cast<int>(outcome.error().code);
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Expected<void> reload_outcome_from_json(std::string_view text) {
  const auto json = Json::parse(text, nullptr, false);
  const auto has = [&](const char* key) { return json.is_object() && json.contains(key); };
  if (has("reloaded") && json["reloaded"] == true) return {};
  if (!has("error") || !json["error"].is_string() || !has("exit_code")) {
    return system_error("this ctgated does not know the request to reload; send it SIGHUP and look at its log");
  }
  const auto& code = json["exit_code"];
  const bool usage = code.is_number_integer() && code.get<int>() == static_cast<int>(ExitCode::usage);
  return tl::unexpected(Error{usage ? ExitCode::usage : ExitCode::system, json["error"].get<std::string>()});
}

}  // namespace ctgate::control

// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/control/status.hh"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace ctgate::control {
namespace {

using Json = nlohmann::ordered_json;

// --- to JSON ---

template <typename Value>
Json json_of(const std::optional<Value>& value) {
  return value ? Json(*value) : Json(nullptr);
}

template <typename Struct>
Json json_of(const Struct& value);

template <typename Element>
Json json_of(const std::vector<Element>& elements) {
  Json array = Json::array();
  for (const auto& element : elements) array.push_back(json_of(element));
  return array;
}

template <typename Struct>
Json json_of(const Struct& value) {
  Json object = Json::object();
  Struct::for_each(value, [&](const char* key, const auto& field) { object[key] = json_of(field); });
  return object;
}

// --- from JSON ---

void read(const Json& json, Number& value) {
  if (json.is_number_unsigned()) value = json.get<std::uint64_t>();
}

void read(const Json& json, Text& value) {
  if (json.is_string()) value = json.get<std::string>();
}

void read(const Json& json, std::optional<bool>& value) {
  if (json.is_boolean()) value = json.get<bool>();
}

template <typename Struct>
void read(const Json& json, Struct& value);

template <typename Element>
void read(const Json& json, std::vector<Element>& elements) {
  if (!json.is_array()) return;
  for (const auto& element : json) read(element, elements.emplace_back());
}

template <typename Struct>
void read(const Json& json, Struct& value) {
  if (!json.is_object()) return;
  Struct::for_each(value, [&](const char* key, auto& field) {
    if (const auto found = json.find(key); found != json.end()) read(*found, field);
  });
}

}  // namespace

std::string to_json(const Status& status) {
  return json_of(status).dump(-1, ' ', false, Json::error_handler_t::replace);
}

Expected<Status> status_from_json(std::string_view text) {
  const auto json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return system_error("the answer of ctgated is not a JSON object: is this its control socket?");
  if (const auto error = json.find("error"); error != json.end() && error->is_string()) {
    return system_error("ctgated refused the request: " + error->get<std::string>());
  }
  Status status;
  read(json, status);
  return status;
}

}  // namespace ctgate::control

// SPDX-License-Identifier: GPL-2.0-or-later
// Results of `ctgate resolve` as text and as JSON.
#pragma once

#include <nlohmann/json.hpp>

#include "daemon/ctgate/resolve/lookup.hh"

namespace ctgate::lookup {

using Json = nlohmann::ordered_json;

// The error with the name, or the addresses, one per line.
void print_answer(const std::string& name, const Result& result);

// Who answered, and why.
[[nodiscard]] std::string path_of(const Result& result);

// The same keys for every lookup; "datagrams" is null where they were not counted, or could not be.
[[nodiscard]] Json to_json(const Mode& mode, const Result& result);

}  // namespace ctgate::lookup

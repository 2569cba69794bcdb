// SPDX-License-Identifier: GPL-2.0-or-later
// The policy parser against any bytes: no crash, an error is never empty, and what is accepted survives the round trip
// through its own rendering. Corpus: corpus/policy.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "policy/toml/parse.hh"
#include "policy/toml/render.hh"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  auto policy = ctgate::parse_policy(text, "fuzz");
  if (!policy) {
    if (policy.error().empty() || ctgate::to_string(policy.error()).empty()) std::abort();
    return 0;
  }
  policy->notes.clear();  // about the text, not part of what it means
  const auto again = ctgate::parse_policy(ctgate::to_toml(*policy), "again");
  if (!again || *again != *policy) std::abort();
  return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
// Why a single value is refused; the reader adds file, position and key and makes a Diagnostic of it.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace ctgate {

struct Wrong {
  std::string expected;  // as in Diagnostic
  std::string nearest;   // as in Diagnostic; may be empty
};

[[nodiscard]] inline tl::unexpected<Wrong> wrong(std::string expected, std::string nearest = {}) {
  return tl::unexpected(Wrong{std::move(expected), std::move(nearest)});
}

}  // namespace ctgate

// SPDX-License-Identifier: GPL-2.0-or-later
// The value of LD_PRELOAD: libraries, separated by spaces or colons (ld.so(8)).
#pragma once

#include <string>
#include <string_view>

namespace ctgate::preload {

// `word` in front of the libraries in `value`, which keep their order. `word` itself and other paths of libctgate.so
// are not repeated: loaded twice in a process, it would hold each datagram twice.
[[nodiscard]] std::string prepend_library(std::string_view word, std::string_view value);

}  // namespace ctgate::preload

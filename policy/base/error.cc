// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/base/error.hh"

#include <system_error>

namespace ctgate {

tl::unexpected<Error> errno_error(std::string_view what, int error) {
  // strerror(3) without its static buffer.
  return system_error(std::string(what) + ": " + std::generic_category().message(error));
}

}  // namespace ctgate

// SPDX-License-Identifier: GPL-2.0-or-later
// What the gate goes by: the policy image where there is one, otherwise the built-in defaults. A plain value.
#pragma once

#include <cstdint>

#include "policy/image/image.hh"

namespace ctgate::shim {

struct Settings {
  std::uint32_t max_wait = 100;  // ms: no datagram waits longer than this behind its leader
  image::Resolver resolver = image::Resolver::automatic;
  image::LibcOption libc_option = image::LibcOption::single_request;
  bool log = false;  // one line to descriptor 2 for each datagram that was held
  bool has_image = false;
  image::View image;  // of bytes that stay until the process ends

  [[nodiscard]] bool asks_for_user() const { return has_image && image.asks_for_user(); }
  [[nodiscard]] image::Decision decide(const image::Destination& destination, image::User user) const {
    if (!has_image) return {image::Action::gate, image::WaitFor::departure};
    return image.decide(destination, user);
  }
};

}  // namespace ctgate::shim

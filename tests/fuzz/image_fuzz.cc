// SPDX-License-Identifier: GPL-2.0-or-later
// The reader of the preload library's image against any bytes, as they are and with a header that is right as far as it
// says nothing about the rest: no read outside, and what is accepted can be used and is the one image of its policy.
// Corpus: corpus/image.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <string>

#include "policy/image/compile.hh"

namespace {

using namespace ctgate;

void require(bool condition) {
  if (!condition) std::abort();
}

// Every entry of every table is reached by a destination, user or path made of it.
void use(const image::View& view) {
  const auto& header = view.header();
  const auto sound = [](const image::Decision& decision) {
    require(decision.action <= image::Action::pass && decision.wait_for <= image::WaitFor::delay);
  };
  image::Destination destination{6, 53, {}};
  sound(view.decide(destination, 0));
  const std::uint32_t count = std::min(std::max({header.ports, header.prefixes, header.users}), 64U);
  for (std::uint32_t i = 0; i < count; ++i) {
    if (i < header.ports) destination.port = view.ports()[i].last;
    if (i < header.prefixes) {
      destination.family = view.prefixes()[i].family;
      std::memcpy(destination.address, view.prefixes()[i].network, sizeof(destination.address));
    }
    sound(view.decide(destination, i < header.users ? view.users()[i] : i));
  }
  require(!view.skips("") && !view.skips("relative"));
  for (const char* path = view.text(); path < view.text() + header.text; path += std::strlen(path) + 1)
    require(view.skips(path));
}

void try_image(std::span<const std::byte> bytes) {
  image::View view;
  if (image::View::open(bytes.data(), bytes.size(), view) != image::Fault::none) return;
  use(view);
  const auto again = compile_policy(policy_of_image(view));
  require(again && std::ranges::equal(again->image, bytes));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // Memory of exactly that size, so that the sanitizer sees a read beyond the end.
  const auto content = std::make_unique<std::byte[]>(size);
  std::copy_n(reinterpret_cast<const std::byte*>(data), size, content.get());
  try_image({content.get(), size});
  if (size < sizeof(image::Header)) return 0;
  image::Header header;
  std::memcpy(&header, content.get(), sizeof(header));
  std::copy(std::begin(image::magic), std::end(image::magic), header.magic);
  header.version = image::format_version;
  header.size = static_cast<std::uint32_t>(size);
  const auto write_header = [&] { std::memcpy(content.get(), &header, sizeof(header)); };
  write_header();
  const std::size_t from = offsetof(image::Header, max_wait);
  header.checksum = image::checksum(content.get() + from, size - from);
  write_header();
  try_image({content.get(), size});
  return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "shim/res_options.hh"

#include <cstring>

namespace ctgate::shim {
namespace {

bool is_blank(char byte) {
  return byte == ' ' || byte == '\t';
}

// glibc resolv/res_init.c, res_setoptions(): words between blanks; the reopening variant is a word of its own.
bool has_word(const char* text, const char* word) {
  const std::size_t length = std::strlen(word);
  for (const char* at = text; *at != '\0';) {
    while (is_blank(*at)) ++at;
    const char* end = at;
    while (*end != '\0' && !is_blank(*end)) ++end;
    if (static_cast<std::size_t>(end - at) == length && std::memcmp(at, word, length) == 0) return true;
    at = end;
  }
  return false;
}

}  // namespace

const char* add_libc_option(const char* existing, image::LibcOption wanted, char* buffer, std::size_t size) {
  const char* word = wanted == image::LibcOption::single_request ? "single-request" : "single-request-reopen";
  if (existing == nullptr) existing = "";
  // With a '-' in front an option is off, since glibc 2.41.
  constexpr const char* spoken_of[] = {"single-request", "single-request-reopen", "-single-request",
                                       "-single-request-reopen"};
  for (const char* option : spoken_of) {
    if (has_word(existing, option)) return nullptr;
  }
  const std::size_t before = std::strlen(existing);
  const std::size_t blank = before == 0 ? 0 : 1;
  if (before + blank + std::strlen(word) + 1 > size) return nullptr;
  std::memcpy(buffer, existing, before);
  if (blank != 0) buffer[before] = ' ';
  std::memcpy(buffer + before + blank, word, std::strlen(word) + 1);
  return buffer;
}

}  // namespace ctgate::shim

// SPDX-License-Identifier: GPL-2.0-or-later
// What the two answers of a lookup, to the questions for A and for AAAA, come to. Every rule is glibc's, so that the
// result is (resolv/res_query.c, resolv/nss_dns/dns-host.c of glibc 2.36); pure.
#pragma once

#include "shim/resolver/host_address.hh"
#include "shim/resolver/message.hh"

namespace ctgate::resolver {

// As h_errno of libc, for one question to the name servers or for a whole search.
enum class HostError : std::uint8_t { none, not_found, try_again, no_recovery, no_data };

// What getaddrinfo(3) returns for it.
[[nodiscard]] int to_address_error(HostError error);

// The answers that a server gave, in the order in which they arrived; an empty one was an error, or is missing.
struct Answers {
  Bytes first;
  Bytes second;
};

// Whether these answers hold data, by their headers alone: `none` means that collect() is worth calling. At least one
// of the two is as long as a header.
[[nodiscard]] HostError judge(const Answers& answers);

enum class Collected : std::uint8_t { addresses, nothing, no_memory };

inline constexpr std::size_t longest_name_text = 257;

// Appends the addresses in the order of the answers, duplicates included. `canonical` becomes the last usable target
// of a CNAME, or the question's name; empty without one.
[[nodiscard]] Collected collect(const Answers& answers, HostAddressList& addresses,
                                std::span<char, longest_name_text> canonical);

}  // namespace ctgate::resolver

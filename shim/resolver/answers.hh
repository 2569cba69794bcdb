// SPDX-License-Identifier: GPL-2.0-or-later
// What the two answers of a lookup, for A and for AAAA, amount to. Every rule is glibc's, so the result is too
// (resolv/res_query.c, resolv/nss_dns/dns-host.c of glibc 2.36). Pure.
#pragma once

#include "shim/resolver/host_address.hh"
#include "shim/resolver/message.hh"

namespace ctgate::resolver {

// The values of libc's h_errno, for one name or for a whole search.
enum class HostError : std::uint8_t { none, not_found, try_again, no_recovery, no_data };

// The EAI_* value that getaddrinfo(3) returns for it.
[[nodiscard]] int to_address_error(HostError error);

// The answers of one server in the order in which they arrived. An empty one was an error or is missing.
struct Answers {
  Bytes first;
  Bytes second;
};

// Whether these answers hold data, judged by their headers alone: after `none`, call collect(). At least one of the two
// must be as long as a header.
[[nodiscard]] HostError judge(const Answers& answers);

enum class Collected : std::uint8_t { addresses, nothing, no_memory };

inline constexpr std::size_t longest_name_text = 257;

// Appends the addresses in the order of the answers, duplicates included. `canonical` becomes the last usable target
// of a CNAME, or else the name in the question; empty if neither is usable.
[[nodiscard]] Collected collect(const Answers& answers, HostAddressList& addresses,
                                std::span<char, longest_name_text> canonical);

}  // namespace ctgate::resolver

// SPDX-License-Identifier: GPL-2.0-or-later
// The names that one lookup asks for, one after the other: the search list, ndots, and which failure ends the search.
// The rules are those of glibc's __res_context_search() (resolv/res_query.c). Pure.
#pragma once

#include <cstddef>
#include <cstring>

#include "shim/resolver/answers.hh"

namespace ctgate::resolver {

struct SearchList {
  static constexpr std::size_t most = 5;  // libc has six, see configuration.cc
  const char* domains[most] = {};
  std::size_t count = 0;
  unsigned ndots = 1;
};

// How asking the servers for one name ended.
struct Asked {
  HostError error = HostError::none;                 // none: there are answers to collect
  ResponseCode first_code = ResponseCode::no_error;  // of the first answer, even if it was an error
  bool refused = false;  // every server refused, or there is no memory or socket: no other name is worth asking for
};

// `ask(name)` returns an Asked. `name` must pass is_plain_name().
template <typename Ask>
HostError search(const char* name, const SearchList& list, Ask&& ask) {
  constexpr std::size_t longest = 1024;  // MAXDNAME - 1 of <arpa/nameser.h>
  char full[longest + 1];
  const std::size_t length = std::strlen(name);
  if (length == 0 || length >= longest) return HostError::no_recovery;
  const bool trailing_dot = name[length - 1] == '.';
  unsigned dots = 0;
  for (const char* c = name; *c != '\0'; ++c) dots += *c == '.';

  HostError as_is = HostError::none;
  bool tried_as_is = false;
  if (dots >= list.ndots || trailing_dot) {
    as_is = ask(name).error;
    if (as_is == HostError::none || trailing_dot) return as_is;
    tried_as_is = true;
  }

  HostError last = HostError::not_found;
  bool got_no_data = false;
  bool got_server_failure = false;
  bool root_on_list = false;
  bool done = false;
  for (std::size_t i = 0; i < list.count && !done; ++i) {
    const char* domain = list.domains[i];
    if (domain[0] == '.') ++domain;
    if (domain[0] == '\0') root_on_list = true;
    const std::size_t more = std::strlen(domain);
    if (length + more + 1 >= longest + 1) {
      last = HostError::no_recovery;
      done = true;
      continue;
    }
    std::memcpy(full, name, length);
    full[length] = '.';
    std::memcpy(full + length + 1, domain, more + 1);
    const Asked asked = ask(static_cast<const char*>(full));
    last = asked.error;
    if (last == HostError::none) return last;
    if (asked.refused) return HostError::try_again;
    if (last == HostError::no_data) got_no_data = true;
    if (last == HostError::try_again && asked.first_code == ResponseCode::serv_fail) {
      got_server_failure = true;
    } else if (last != HostError::no_data && last != HostError::not_found) {
      done = true;
    }
  }

  if (!tried_as_is && !root_on_list) {
    last = ask(name).error;
    if (last == HostError::none) return last;
  }
  if (tried_as_is) return as_is;
  if (got_no_data) return HostError::no_data;
  if (got_server_failure) return HostError::try_again;
  return last;
}

}  // namespace ctgate::resolver

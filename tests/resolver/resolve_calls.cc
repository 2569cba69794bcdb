// SPDX-License-Identifier: GPL-2.0-or-later
// Makes the getaddrinfo(3) calls that a file lists (call.hh), one after the other, and prints a line for each. It is an
// ordinary program that knows nothing of ctgate. Usage: resolve_calls FILE
//
// Besides calls the file may have lines "copy FROM TO", which put one file's contents into another, and "sleep N",
// which waits N milliseconds. Neither prints anything.
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <locale>
#include <sstream>
#include <thread>

#include "tests/resolver/call.hh"

namespace {

using ctgate::test::Call;
using ctgate::test::Found;
using ctgate::test::Outcome;

std::string describe(const sockaddr* address, socklen_t size) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address->sa_family == AF_INET && size == sizeof(sockaddr_in)) {
    sockaddr_in v4{};
    std::memcpy(&v4, address, sizeof v4);
    inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    return std::string(text) + '#' + std::to_string(ntohs(v4.sin_port));
  }
  if (address->sa_family == AF_INET6 && size == sizeof(sockaddr_in6)) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, address, sizeof v6);
    inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    const std::string scope = v6.sin6_scope_id == 0 ? "" : '%' + std::to_string(v6.sin6_scope_id);
    const std::string flow = v6.sin6_flowinfo == 0 ? "" : "/flow" + std::to_string(v6.sin6_flowinfo);
    return text + scope + flow + '#' + std::to_string(ntohs(v6.sin6_port));
  }
  return "family" + std::to_string(address->sa_family) + "size" + std::to_string(size);
}

Outcome make(const Call& call) {
  addrinfo hints{};
  if (call.hints) {
    hints.ai_flags = call.hints->flags;
    hints.ai_family = call.hints->family;
    hints.ai_socktype = call.hints->socktype;
    hints.ai_protocol = call.hints->protocol;
  }
  addrinfo* list = nullptr;
  Outcome outcome;
  const auto begin = std::chrono::steady_clock::now();
  outcome.code = getaddrinfo(call.node ? call.node->c_str() : nullptr, call.service ? call.service->c_str() : nullptr,
                             call.hints ? &hints : nullptr, &list);
  if (outcome.code == EAI_SYSTEM) outcome.system_error = errno;
  outcome.time = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin);
  if (outcome.code != 0) return outcome;
  for (const addrinfo* one = list; one != nullptr; one = one->ai_next) {
    Found found{
        one->ai_flags, one->ai_family, one->ai_socktype, one->ai_protocol, describe(one->ai_addr, one->ai_addrlen),
        std::nullopt};
    if (one->ai_canonname != nullptr) found.canonical_name = one->ai_canonname;
    outcome.found.push_back(std::move(found));
  }
  freeaddrinfo(list);
  return outcome;
}

bool obey(const std::string& line) {
  std::istringstream words(line);
  std::string verb, first, second;
  words >> verb >> first >> second;
  if (verb == "sleep") {
    std::this_thread::sleep_for(std::chrono::milliseconds(std::stol(first)));
    return true;
  }
  if (verb != "copy") return false;
  // As programs that manage resolv.conf do it: a new file takes the old one's place.
  std::filesystem::copy_file(first, second + ".new");
  std::filesystem::rename(second + ".new", second);
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  std::setlocale(LC_ALL, "");  // AI_IDN goes by it
  std::ifstream file(argc > 1 ? argv[1] : "");
  if (!file) {
    std::fprintf(stderr, "usage: resolve_calls FILE\n");
    return 2;
  }
  std::string line;
  while (std::getline(file, line)) {
    if (obey(line)) continue;
    const auto call = Call::from_line(line);
    if (!call) {
      std::fprintf(stderr, "resolve_calls: what is this: %s\n", line.c_str());
      return 2;
    }
    std::cout << make(*call).to_line() << '\n' << std::flush;
  }
  return 0;
}

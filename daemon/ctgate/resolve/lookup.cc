// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/ctgate/resolve/lookup.hh"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <system_error>

#include "daemon/ctgate/run/policy_store.hh"
#include "policy/base/run_program.hh"
#include "policy/image/compile.hh"

namespace ctgate::lookup {
namespace {

constexpr std::chrono::seconds limit{60};  // libc's default: 5 s for each of 3 servers, in each of 2 attempts
constexpr std::string_view marker = "resolver: ";

std::string text_of(const sockaddr& address, socklen_t length) {
  std::array<char, NI_MAXHOST> text{};
  const int error = getnameinfo(&address, length, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST);
  return error == 0 ? text.data() : gai_strerror(error);
}

// `RES_OPTIONS=...` with the option at its end.
void add_res_options(std::vector<std::string>& environment, const std::string& options) {
  constexpr std::string_view variable = "RES_OPTIONS=";
  for (auto& word : environment) {
    if (!word.starts_with(variable)) continue;
    word += (word.size() == variable.size() ? "" : " ") + options;
    return;
  }
  environment.push_back(std::string(variable) + options);
}

Expected<std::vector<std::string>> environment_for(const Mode& mode, const Setup& setup) {
  auto environment = plain_environment();
  if (!mode.res_options.empty()) add_res_options(environment, mode.res_options);
  if (!mode.resolver) {
    environment.emplace_back("CTGATE_DISABLE=1");  // in case /etc/ld.so.preload loads the library
    return environment;
  }
  auto policy = setup.policy;
  policy.shim.resolver = *mode.resolver;
  policy.shim.skip_programs.clear();
  const auto compiled = compile_policy(policy);
  if (!compiled) return tl::unexpected(compiled.error());
  const auto image = preload::store_image(compiled->image);
  if (!image) return tl::unexpected(image.error());
  environment.push_back("LD_PRELOAD=" + setup.library.word);
  environment.push_back("CTGATE_POLICY=" + image->string());
  environment.emplace_back("CTGATE_LOG=1");
  return environment;
}

}  // namespace

Mode mode_of(const Policy& policy) {
  return {.title = fmt::format("ctgate, {}", to_string(policy.shim.resolver)), .resolver = policy.shim.resolver};
}

double Result::milliseconds() const {
  return static_cast<double>(duration.count()) / 1000;
}

Expected<Result> look_up(const std::string& name, const Mode& mode, const Setup& setup) {
  const auto environment = environment_for(mode, setup);
  if (!environment) return tl::unexpected(environment.error());
  std::vector<std::string> command{"/proc/self/exe", "lookup-child"};
  if (mode.count_datagrams) command.emplace_back("--count");
  command.insert(command.end(), {"--", name});
  const auto child = run_program(command, {.environment = *environment, .errors_apart = true, .limit = limit});
  if (!child) return tl::unexpected(child.error());
  if (child->timed_out) {
    return system_error(fmt::format("resolving {} ({}) took longer than {} s", name, mode.title, limit.count()));
  }
  auto result = read_report(child->output, child->errors);
  if (child->exit_code != 0 || !result) {
    return system_error(fmt::format("resolving {} ({}) failed with exit code {}: {}", name, mode.title,
                                    child->exit_code, child->errors + child->output));
  }
  return std::move(*result);
}

void look_up_here(const std::string& name) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG | AI_CANONNAME;
  addrinfo* list = nullptr;
  const auto begin = std::chrono::steady_clock::now();
  const int error = getaddrinfo(name.c_str(), nullptr, &hints, &list);
  const int reason = errno;
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin);
  std::cout << "us " << took.count() << '\n';
  if (error != 0) {
    std::cout << "error " << (error == EAI_SYSTEM ? std::generic_category().message(reason) : gai_strerror(error))
              << '\n';
    return;
  }
  if (list->ai_canonname != nullptr) std::cout << "name " << list->ai_canonname << '\n';
  for (const auto* entry = list; entry != nullptr; entry = entry->ai_next) {
    std::cout << "address " << text_of(*entry->ai_addr, entry->ai_addrlen) << '\n';
  }
  freeaddrinfo(list);
}

std::optional<Result> read_report(const std::string& output, const std::string& errors) {
  Result result;
  bool complete = false;
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    const auto blank = line.find(' ');
    const std::string key = line.substr(0, blank), value = blank == std::string::npos ? "" : line.substr(blank + 1);
    if (key == "us") {
      long us = 0;
      complete = std::from_chars(value.data(), value.data() + value.size(), us).ec == std::errc();
      result.duration = std::chrono::microseconds(us);
    } else if (key == "datagrams") {
      unsigned count = 0;
      if (std::from_chars(value.data(), value.data() + value.size(), count).ec == std::errc()) result.datagrams = count;
    } else if (key == "error") {
      result.error = value;
    } else if (key == "name") {
      result.canonical_name = value;
    } else if (key == "address" && std::ranges::find(result.addresses, value) == result.addresses.end()) {
      result.addresses.push_back(value);
    }
  }
  if (!complete) return std::nullopt;
  // TEXT of "ctgate[PID]: resolver: NAME TEXT"
  if (const auto at = errors.find(marker); at != std::string::npos) {
    const auto end = std::min(errors.find('\n', at), errors.size());
    const std::string words = errors.substr(at + marker.size(), end - at - marker.size());
    result.path = words.substr(std::min(words.find(' '), words.size() - 1) + 1);
  }
  return result;
}

}  // namespace ctgate::lookup

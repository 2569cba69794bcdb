// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/ctgate/preload/smoke_test.hh"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <cctype>
#include <cstdlib>
#include <optional>
#include <sstream>

#include "daemon/ctgate/preload/elf_file.hh"
#include "daemon/ctgate/run/command_chain.hh"
#include "policy/base/child.hh"

namespace ctgate::preload {
namespace {

constexpr auto system_path = "/usr/bin:/bin:/usr/sbin:/sbin";
constexpr std::size_t shown = 2000;  // bytes of a program's output in a message

// ldconfig is static wherever there is glibc; Ubuntu's is a script in front of ldconfig.real.
const std::array<std::vector<std::string>, 4> static_programs{
    {{"ldconfig", "--version"}, {"ldconfig.real", "--version"}, {"busybox", "echo", "ok"}, {"sash", "-c", "-echo ok"}}};

std::optional<SmokeCheck> static_check() {
  for (auto arguments : static_programs) {
    const auto file = find_command(arguments.front(), system_path);
    const auto elf = file ? inspect_file(*file) : std::nullopt;
    if (!elf || !elf->is_static()) continue;
    arguments.front() = file->string();
    return SmokeCheck{"a static program", arguments};
  }
  return std::nullopt;
}

// For a terminal: indented lines, control characters as \xNN.
std::string indented(std::string_view text) {
  if (text.empty()) return "    (nothing)\n";
  std::string result, rest(text.substr(0, shown));
  std::istringstream lines(rest);
  for (std::string line; std::getline(lines, line);) {
    result += "    ";
    for (const char character : line) {
      const auto byte = static_cast<unsigned char>(character);
      result += std::iscntrl(byte) != 0 ? fmt::format("\\x{:02x}", byte) : std::string(1, character);
    }
    result += '\n';
  }
  return result + (text.size() > shown ? "    ...\n" : "");
}

std::string ending(const ChildResult& result, std::chrono::milliseconds limit) {
  if (result.timed_out) return fmt::format("did not end within {} ms and was killed", limit.count());
  if (result.exit_code > 128) return fmt::format("ended by signal {}", result.exit_code - 128);
  return fmt::format("exit code {}", result.exit_code);
}

std::string difference(const SmokeCheck& check, const ChildResult& without, const ChildResult& with,
                       std::chrono::milliseconds limit) {
  std::string text = fmt::format("the smoke test failed with {}: {}\n", check.name, fmt::join(check.arguments, " "));
  text += fmt::format("  with the library: {}\n", ending(with, limit));
  if (with.exit_code != without.exit_code) text += fmt::format("  without it: {}\n", ending(without, limit));
  if (with.output != without.output) {
    text +=
        "  standard output with the library:\n" + indented(with.output) + "  without it:\n" + indented(without.output);
  }
  if (with.errors != without.errors) {
    text +=
        "  standard error with the library:\n" + indented(with.errors) + "  without it:\n" + indented(without.errors);
  }
  return text;
}

}  // namespace

SmokeTest standard_smoke_test() {
  SmokeTest test;
  const auto add = [&](const char* name, std::vector<std::string> arguments) {
    if (const auto file = find_command(arguments.front(), system_path)) {
      arguments.front() = file->string();
      test.checks.push_back({name, std::move(arguments)});
    } else {
      test.left_out.push_back(fmt::format("{}: there is no {} here", name, arguments.front()));
    }
  };
  add("the smallest program", {"true"});
  add("the shell", {"sh", "-c", "echo ok"});
  add("the resolver", {"getent", "ahosts", "localhost"});
  if (auto check = static_check()) {
    test.checks.push_back(std::move(*check));
  } else {
    test.left_out.emplace_back(
        "a static program: neither ldconfig, busybox nor sash is installed; install busybox-static to have a program "
        "that starts whatever the library does");
  }
  return test;
}

Expected<void> run_smoke_test(const std::vector<SmokeCheck>& checks, const std::string& word,
                              std::chrono::milliseconds limit) {
  const auto environment = plain_environment();
  auto preloading = environment;
  preloading.push_back("LD_PRELOAD=" + word);
  for (const auto& check : checks) {
    const auto without = run_child(check.arguments, environment, limit);
    if (!without) return tl::unexpected(without.error());
    const auto with = run_child(check.arguments, preloading, limit);
    if (!with) return tl::unexpected(with.error());
    if (*with != *without || with->timed_out) {
      return tl::unexpected(Error{ExitCode::problem, difference(check, *without, *with, limit)});
    }
  }
  return {};
}

}  // namespace ctgate::preload

// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/ctgate/preload/trial_run.hh"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <cctype>
#include <cstdlib>
#include <optional>
#include <sstream>

#include "daemon/ctgate/preload/elf_file.hh"
#include "policy/base/find_program.hh"
#include "policy/base/run_program.hh"

namespace ctgate::preload {
namespace {

constexpr auto system_path = "/usr/bin:/bin:/usr/sbin:/sbin";
constexpr std::size_t shown = 2000;  // bytes of a program's output in a message

// ldconfig is static wherever there is glibc; Ubuntu's is a script in front of ldconfig.real.
const std::array<std::vector<std::string>, 4> static_programs{
    {{"ldconfig", "--version"}, {"ldconfig.real", "--version"}, {"busybox", "echo", "ok"}, {"sash", "-c", "-echo ok"}}};

std::optional<TrialProgram> static_program() {
  for (auto arguments : static_programs) {
    const auto file = find_program(arguments.front(), system_path);
    const auto elf = file ? inspect_file(*file) : std::nullopt;
    if (!elf || !elf->is_static()) continue;
    arguments.front() = file->string();
    return TrialProgram{"a static program", arguments};
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

std::string ending(const ProgramResult& result, std::chrono::milliseconds limit) {
  if (result.timed_out) return fmt::format("did not end within {} ms and was killed", limit.count());
  if (result.exit_code > 128) return fmt::format("ended by signal {}", result.exit_code - 128);
  return fmt::format("exit code {}", result.exit_code);
}

std::string difference(const TrialProgram& program, const ProgramResult& without, const ProgramResult& with,
                       std::chrono::milliseconds limit) {
  std::string text = fmt::format("the trial run failed with {}: {}\n", program.name, fmt::join(program.arguments, " "));
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

Trial standard_trial() {
  Trial trial;
  const auto add = [&](const char* name, std::vector<std::string> arguments) {
    if (const auto file = find_program(arguments.front(), system_path)) {
      arguments.front() = file->string();
      trial.programs.push_back({name, std::move(arguments)});
    } else {
      trial.left_out.push_back(fmt::format("{}: there is no {} here", name, arguments.front()));
    }
  };
  add("the smallest program", {"true"});
  add("the shell", {"sh", "-c", "echo ok"});
  add("the resolver", {"getent", "ahosts", "localhost"});
  if (auto program = static_program()) {
    trial.programs.push_back(std::move(*program));
  } else {
    trial.left_out.emplace_back(
        "a static program: neither ldconfig, busybox nor sash is installed; install busybox-static to have a program "
        "that starts whatever the library does");
  }
  return trial;
}

Expected<void> run_trial(const std::vector<TrialProgram>& programs, const std::string& word,
                         std::chrono::milliseconds limit) {
  const auto environment = plain_environment();
  auto preloading = environment;
  preloading.push_back("LD_PRELOAD=" + word);
  for (const auto& program : programs) {
    const auto without =
        run_program(program.arguments, {.environment = environment, .errors_apart = true, .limit = limit});
    if (!without) return tl::unexpected(without.error());
    const auto with = run_program(program.arguments, {.environment = preloading, .errors_apart = true, .limit = limit});
    if (!with) return tl::unexpected(with.error());
    if (*with != *without || with->timed_out) {
      return tl::unexpected(Error{ExitCode::problem, difference(program, *without, *with, limit)});
    }
  }
  return {};
}

}  // namespace ctgate::preload

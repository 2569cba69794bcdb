// SPDX-License-Identifier: GPL-2.0-or-later
// ctgate preload enable|disable|status
#include <fmt/format.h>

#include <CLI/App.hpp>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/ctgate/commands.hh"
#include "daemon/ctgate/preload/library.hh"
#include "daemon/ctgate/preload/preload_file.hh"
#include "daemon/ctgate/preload/trial_run.hh"
#include "daemon/ctgate/preload/trusted_path.hh"

namespace ctgate::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string file{preload::default_preload_file};
  std::string library;
  bool json = false;
};

// Ours: libctgate.so of any directory, and what --library names.
preload::IsOurs entries_of(const std::string& library, const std::string& token) {
  return [library, token](std::string_view word) {
    if (word.substr(word.find_last_of('/') + 1) == preload::library_name) return true;  // npos + 1 is 0
    return !library.empty() && preload::expand_lib_token(std::string(word), token) == library;
  };
}

std::string own_lib_token() {
  const auto loader = preload::own_loader();
  const auto token = loader ? preload::lib_token(*loader) : std::nullopt;
  return token.value_or("");
}

preload::IsOurs entries_of(const Options& options) {
  std::error_code failed;
  const auto path = options.library.empty() ? std::filesystem::path()
                                            : std::filesystem::absolute(options.library, failed).lexically_normal();
  return entries_of(path.string(), own_lib_token());
}

// Like every check of `enable`: what is wrong with the library is a problem found, not a refusal of the system.
template <typename T>
Expected<T> as_problem(Expected<T> result) {
  if (!result) result.error().code = ExitCode::problem;
  return result;
}

// The library, if it may stand in the file at all.
Expected<preload::Library> checked_library(const Options& options) {
  const auto path = as_problem(preload::find_library(options.library));
  if (!path) return tl::unexpected(path.error());
  if (auto trusted = preload::only_root_can_replace(*path); !trusted) return tl::unexpected(trusted.error());
  auto library = as_problem(preload::open_library(*path));
  if (library && library->other_path) {
    if (auto trusted = preload::only_root_can_replace(*library->other_path); !trusted) {
      return tl::unexpected(trusted.error());
    }
  }
  return library;
}

Expected<void> trial_run(const preload::Library& library) {
  const auto trial = preload::standard_trial();
  for (const auto& reason : trial.left_out) std::cerr << "ctgate: left out of the trial run: " << reason << '\n';
  return preload::run_trial(trial.programs, library.word);
}

void warn_of_other_word_size(const preload::Library& library) {
  if (!library.other_loader || library.other_path) return;
  std::cerr << fmt::format(
      "ctgate: this system has a loader for 32-bit programs ({}), but no 32-bit {} where ld.so would look for it: "
      "every 32-bit program will print an error of ld.so. Install the library for both word sizes if you use such "
      "programs\n",
      library.other_loader->string(), preload::library_name);
}

// init=/bin/sh is no help: that shell reads the file too. LD_PRELOAD and CTGATE_DISABLE do not keep the library out.
void tell_how_to_recover(const std::string& file) {
  std::cout << fmt::format(
      "Programs that start from now on load it; running programs do not.\n"
      "To undo: ctgate preload disable{0}\n"
      "If programs fail to start, remove the line from {1}:\n"
      "  from a root shell that is still open, with builtins only (this removes the entries of others too):\n"
      "    : > {1}\n"
      "  with a static program:\n"
      "    busybox sed -i '/libctgate/d' {1}\n"
      "  if nobody can log in: boot a rescue medium, or stop in the initramfs (rd.break, or break=bottom on Debian),\n"
      "  mount the root file system read-write and delete the line there. init=/bin/sh does not help: that shell\n"
      "  reads the file too.\n"
      "CTGATE_DISABLE=1 in the environment of a program turns the gate off there, but the library is still loaded.\n"
      "Remove the line before you remove the library: if the library is missing, every program prints an error.\n",
      file == preload::default_preload_file ? "" : " --file " + file, file);
}

Expected<void> enable(const Options& options) {
  const auto library = checked_library(options);
  if (!library) return tl::unexpected(library.error());
  if (auto passed = trial_run(*library); !passed) {
    auto error = passed.error();
    error.message += fmt::format("{} was not changed\n", options.file);
    return tl::unexpected(error);
  }
  warn_of_other_word_size(*library);
  const auto ours = entries_of(library->path.string(), own_lib_token());
  const auto change = preload::enable_preload(options.file, library->word, ours);
  if (!change) return tl::unexpected(change.error());
  if (*change == preload::Change::none) {
    std::cout << fmt::format("{} is already enabled in {}\n", library->word, options.file);
    return {};
  }
  std::cout << fmt::format("enabled {} in {}\n", library->word, options.file);
  tell_how_to_recover(options.file);
  return {};
}

Expected<void> disable(const Options& options) {
  const auto change = preload::disable_preload(options.file, entries_of(options));
  if (!change) return tl::unexpected(change.error());
  if (*change == preload::Change::none) {
    std::cout << fmt::format("not enabled in {}\n", options.file);
    return {};
  }
  std::cout << fmt::format("disabled in {}{}\nRunning programs keep the library until they are restarted.\n",
                           options.file,
                           *change == preload::Change::removed ? ", which had nothing else in it and was removed" : "");
  return {};
}

// What would be wrong with the entries if they were enabled now.
void add_library_problems(preload::PreloadStatus& status, const std::string& token) {
  for (const auto& word : status.ours) {
    const std::filesystem::path path = preload::expand_lib_token(word, token);
    std::error_code failed;
    if (!std::filesystem::exists(path, failed)) continue;  // known already
    if (auto trusted = preload::only_root_can_replace(path); !trusted) {
      status.problems.push_back(trusted.error().message);
    }
  }
}

std::string human(const Options& options, const preload::PreloadStatus& status) {
  std::string text = status.ours.empty() ? fmt::format("not enabled in {}{}\n", options.file,
                                                       status.exists ? "" : " (there is no such file)")
                                         : fmt::format("enabled in {}\n", options.file);
  for (const auto& word : status.ours) text += fmt::format("library  {}\n", word);
  for (const auto& word : status.foreign) text += fmt::format("foreign  {}\n", word);
  for (const auto& problem : status.problems) text += fmt::format("PROBLEM  {}\n", problem);
  return text;
}

ExitCode show_status(const Options& options) {
  const std::string token = own_lib_token();
  auto status = preload::preload_status(options.file, entries_of(options), token);
  if (!status) return report(status.error());
  add_library_problems(*status, token);
  if (options.json) {
    const Json json{{"file", options.file},      {"exists", status->exists},   {"enabled", !status->ours.empty()},
                    {"libraries", status->ours}, {"foreign", status->foreign}, {"problems", status->problems}};
    std::cout << json.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
  } else {
    std::cout << human(options, *status);
  }
  return status->problems.empty() ? ExitCode::ok : ExitCode::problem;
}

CLI::App* add_command(CLI::App& preload, const std::shared_ptr<Options>& options, const char* name,
                      const char* description) {
  auto* command = preload.add_subcommand(name, description);
  command->add_option("--file", options->file, "Use this file, for example in another root directory or for a test")
      ->type_name("PATH")
      ->capture_default_str();
  command->add_option("--library", options->library, "Use this library instead of the installed libctgate.so")
      ->type_name("PATH");
  return command;
}

}  // namespace

void add_preload_commands(CLI::App& app, ExitCode& exit_code) {
  auto* preload = app.add_subcommand("preload", "Load libctgate.so into every program of the system (ld.so.preload)");
  preload->require_subcommand(1);
  auto options = std::make_shared<Options>();
  const auto answer = [&exit_code, options](Expected<void> (*action)(const Options&)) {
    return [&exit_code, options, action] {
      const auto result = action(*options);
      exit_code = result ? ExitCode::ok : report(result.error());
    };
  };

  auto* enable_command = add_command(*preload, options, "enable", "Test the library, then add it to the file");
  enable_command->footer(
      "Changes nothing unless true, a shell, the resolver and a static program behave with the library as they do\n"
      "without it, and only root can replace the library. If the library is installed for both word sizes, the entry\n"
      "contains $LIB. Other entries are not changed.\n"
      "Exit codes: 0 enabled, 1 a check failed, 2 wrong command line, 3 the system refused.");
  enable_command->callback(answer(enable));

  auto* disable_command = add_command(*preload, options, "disable", "Remove the library from the file");
  disable_command->footer(
      "Exit codes: 0 the library is not in the file (any more), 2 wrong command line, 3 the system refused.");
  disable_command->callback(answer(disable));

  auto* status_command =
      add_command(*preload, options, "status", "Show the entries of the file, and what is wrong with it");
  status_command->add_flag("--json", options->json, "Print one JSON object");
  status_command->footer(
      "Exit codes: 0 nothing is wrong, enabled or not; 1 something is wrong; 3 the file cannot be read.");
  status_command->callback([options, &exit_code] { exit_code = show_status(*options); });
}

}  // namespace ctgate::cli

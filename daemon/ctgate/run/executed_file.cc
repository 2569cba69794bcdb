// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/ctgate/run/executed_file.hh"

#include <elf.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>

#include "policy/base/find_program.hh"

namespace ctgate::preload {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t looked_at = 256;  // BINPRM_BUF_SIZE
constexpr unsigned most_scripts = 5;
constexpr std::string_view blanks = " \t";

std::string head_of(const fs::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
  std::string head(looked_at, '\0');
  std::ifstream stream(file, std::ios::binary);
  stream.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<std::size_t>(stream.gcount()));
  return head;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

// Whether `word` of env's line takes the next word as its value.
bool takes_value(const std::string& word) {
  constexpr std::array<std::string_view, 4> options{"-u", "--unset", "-C", "--chdir"};
  return std::ranges::find(options, word) != options.end();
}

}  // namespace

std::optional<ScriptLine> parse_script_line(std::string_view head) {
  head = head.substr(0, looked_at);
  if (!head.starts_with("#!")) return std::nullopt;
  const auto end = head.find('\n');
  std::string_view line = head.substr(2, end == std::string_view::npos ? end : end - 2);
  line = line.substr(0, line.find('\0'));
  const auto first = line.find_first_not_of(blanks);
  if (first == std::string_view::npos) return std::nullopt;
  line.remove_prefix(first);
  const auto name_end = line.find_first_of(blanks);
  const bool cut_off = end == std::string_view::npos && head.size() == looked_at;
  if (name_end == std::string_view::npos && cut_off) return std::nullopt;
  ScriptLine script{.interpreter = std::string(line.substr(0, name_end)), .argument = {}};
  if (name_end != std::string_view::npos) script.argument = trimmed(line.substr(name_end));
  return script;
}

std::string env_program(std::string_view argument) {
  // Without -S the rest of the line is one word: a name, or an option that leaves env without a program.
  std::string split;
  for (const std::string_view option : {"-S", "--split-string=", "-vS", "-iS"}) {
    if (argument.starts_with(option)) split = argument.substr(option.size());
  }
  if (split.empty()) return argument.starts_with('-') ? std::string() : std::string(argument);
  std::istringstream words(split);
  for (std::string word; words >> word;) {
    if (takes_value(word)) {
      words >> word;
    } else if (!word.starts_with('-') && word.find('=') == std::string::npos) {
      return word;
    }
  }
  return {};
}

std::vector<fs::path> follow_scripts(fs::path file, const char* path) {
  std::vector<fs::path> chain{std::move(file)};
  for (unsigned scripts = 0; scripts < most_scripts; ++scripts) {
    const std::string head = head_of(chain.back());
    if (head.starts_with(ELFMAG) || head.empty()) break;
    const auto script = parse_script_line(head);
    if (!script) {
      if (!head.starts_with("#!") && scripts == 0) chain.emplace_back("/bin/sh");
      break;
    }
    fs::path next = script->interpreter;
    if (next.filename() == "env") {
      const auto named = find_program(env_program(script->argument), path);
      if (named) next = *named;
    }
    chain.push_back(std::move(next));
  }
  return chain;
}

}  // namespace ctgate::preload

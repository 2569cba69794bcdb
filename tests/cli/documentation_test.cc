// SPDX-License-Identifier: GPL-2.0-or-later
// The man pages and the .md files say what the programs do: commands, options, keys of the policy, examples, links.
#include <algorithm>
#include <array>
#include <map>
#include <regex>
#include <sstream>

#include "tests/cli/command_test.hh"
#include "tests/cli/program_help.hh"

namespace ctgate::test {
namespace {

namespace fs = std::filesystem;

const fs::path source = CTGATE_SOURCE_DIR;
const fs::path man = source / "packaging/man";

std::vector<std::string> lines_of(const fs::path& file) {
  std::ifstream stream(file);
  if (!stream) throw std::runtime_error("cannot read " + file.string());
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::string text_of(const fs::path& file) {
  std::string text;
  for (const auto& line : lines_of(file)) text += line + '\n';
  return text;
}

std::vector<fs::path> files_of(const fs::path& directory, std::string_view extension) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(directory)) {
    if (entry.path().extension() == extension) files.push_back(entry.path());
  }
  return files;
}

std::vector<fs::path> man_pages() {
  return files_of(man, ".scd");
}

std::vector<fs::path> markdown_files() {
  auto files = files_of(source / "packaging/doc", ".md");
  for (const auto& file : files_of(source, ".md")) files.push_back(file);
  return files;
}

std::vector<std::string> all_matches(const std::string& text, const std::regex& expression) {
  std::vector<std::string> found;
  for (std::sregex_iterator match(text.begin(), text.end(), expression), end; match != end; ++match) {
    found.push_back((*match)[1]);
  }
  return found;
}

// Fenced blocks; `language` is what stands behind the fence.
struct Block {
  std::string language;
  std::string text;
};

std::vector<Block> blocks_of(const fs::path& file) {
  std::vector<Block> blocks;
  bool inside = false;
  for (const auto& line : lines_of(file)) {
    if (line.starts_with("```")) {
      inside = !inside;
      if (inside) blocks.push_back({line.substr(3), {}});
    } else if (inside) {
      blocks.back().text += line + '\n';
    }
  }
  return blocks;
}

// --- commands and options -------------------------------------------------------------------------------------------

// Options that a man page describes, by the command in the heading above: lines that begin with *--option*. The value
// is the text up to the next one.
using DescribedOptions = std::map<std::string, std::map<std::string, std::string>>;

DescribedOptions options_in_man_pages() {
  static const std::regex heading(R"(## (ctgate(?: [a-z]+)+).*)");
  static const std::regex option(R"((?:\*-[a-z]\*, )?\*(--[a-z-]+)\*.*)");
  DescribedOptions described;
  for (const std::string program : {"ctgate", "ctgated"}) {
    std::string command, current;
    for (const auto& line : lines_of(man / (program == "ctgate" ? "ctgate.1.scd" : "ctgated.8.scd"))) {
      std::smatch match;
      if (line.starts_with("# ")) command = line == "# OPTIONS" ? program : "";
      if (line.starts_with("#")) current.clear();
      if (std::regex_match(line, match, heading)) command = match[1];
      if (command.empty()) continue;
      auto& options = described[command];
      if (std::regex_match(line, match, option)) current = match[1];
      if (!current.empty()) options[current] += line + '\n';
    }
  }
  return described;
}

class Documentation : public CommandTest {};

TEST_F(Documentation, ManPagesHaveEveryCommandWithItsOptionsAndNoOthers) {
  std::map<std::string, Names> expected;
  for (const auto& command : all_help()) {
    const bool group = !command.subcommands.empty() && command.name != "ctgate";
    if (group) continue;  // has no options and does nothing by itself
    auto options = command.options;
    // Every command has it; it is described once.
    if (command.name.find(' ') != std::string::npos) options.erase("--help");
    expected[command.name] = options;
  }
  std::map<std::string, Names> described;
  for (const auto& [command, options] : options_in_man_pages()) {
    described[command];
    for (const auto& [option, text] : options) described[command].insert(option);
  }
  EXPECT_EQ(described, expected);
}

TEST_F(Documentation, ManPagesHaveTheDefaultsAndWordsOfOptions) {
  auto described = options_in_man_pages();
  for (const auto& command : all_help()) {
    for (const auto& [option, value] : command.defaults) {
      const auto& text = described[command.name][option];
      EXPECT_NE(text.find("_" + value + "_"), std::string::npos) << command.name << ": " << value << "\n" << text;
    }
    for (const auto& [option, words] : command.choices) {
      for (const auto& word : words) {
        const auto& text = described[command.name][option];
        EXPECT_NE(text.find("*" + word + "*"), std::string::npos) << command.name << ": " << word << "\n" << text;
      }
    }
  }
}

// Whether `line`, as a reader would type it, has words and options that exist. Empty: it has.
std::string fault_of(const std::string& line, const std::map<std::string, CommandHelp>& commands) {
  std::istringstream stream(line);
  std::string name;
  stream >> name;
  const CommandHelp* command = &commands.at(name);
  bool words = true;
  for (std::string word; stream >> word && word != "--";) {
    if (word.starts_with("--")) {
      words = false;
      const auto option = word.substr(0, word.find('='));
      if (!command->options.contains(option)) return "\"" + command->name + "\" has no option " + option;
    } else if (words && command->subcommands.contains(word)) {
      command = &commands.at(command->name + " " + word);
    } else if (words && !command->subcommands.empty() && std::regex_match(word, std::regex("[a-z]+"))) {
      return "\"" + command->name + "\" has no command " + word;
    } else if (command->name == "ctgate run") {
      break;  // the rest is another program's
    }
  }
  return {};
}

TEST_F(Documentation, CommandsInTheTextExist) {
  std::map<std::string, CommandHelp> commands;
  for (auto& command : all_help()) commands[command.name] = std::move(command);
  static const std::regex code("`(?:sudo )?(ctgated?(?: [^`]*)?)`");
  static const std::regex code_line("(?:^|\n)(?:sudo )?(ctgated? [^#|\n]*)");
  auto files = markdown_files();
  for (const auto& page : man_pages()) files.push_back(page);
  for (const auto& file : files) {
    auto lines = all_matches(text_of(file), code);
    for (const auto& block : blocks_of(file)) {
      if (file.extension() == ".md" && block.language != "sh") continue;
      const auto more = all_matches(block.text, code_line);
      lines.insert(lines.end(), more.begin(), more.end());
    }
    for (const auto& line : lines) EXPECT_EQ(fault_of(line, commands), "") << file << ": " << line;
  }
}

// --- the policy ------------------------------------------------------------------------------------------------------

// "gate.max_hold" -> what the lines of the man page say: "*max_hold* = _duration_, default *"1s"*".
std::map<std::string, std::string> keys_in_man_page() {
  static const std::regex heading(R"(## \[+([a-z]+)\]+ .*)");
  static const std::regex key(R"(\*([a-z_]+)\* = .*)");
  std::map<std::string, std::string> keys;
  std::string section;
  for (const auto& line : lines_of(man / "ctgate-policy.5.scd")) {
    std::smatch match;
    if (std::regex_match(line, match, heading)) section = match[1].str() + ".";
    if (line.starts_with("# ")) section.clear();
    if (std::regex_match(line, match, key)) keys[section + match[1].str()] = line;
  }
  return keys;
}

// "gate.max_hold" -> "\"1s\"", as `ctgate policy show` prints it.
std::map<std::string, std::string> keys_shown(const ProgramResult& shown) {
  static const std::regex heading(R"(\[+([a-z]+)\]+)");
  static const std::regex key("([a-z_]+) = (.*)");
  std::map<std::string, std::string> keys;
  std::string section;
  std::istringstream lines(shown.output);
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (std::regex_match(line, match, heading)) section = match[1].str() + ".";
    if (std::regex_match(line, match, key)) keys[section + match[1].str()] = match[2];
  }
  return keys;
}

TEST_F(Documentation, PolicyManPageHasEveryKeyAndNoOthers) {
  const auto shown = keys_shown(run({"policy", "show", policy("[[rule]]\nname = \"r\"\n")}));
  Names shown_keys, described;
  for (const auto& [key, value] : shown) shown_keys.insert(key);
  for (const auto& [key, line] : keys_in_man_page()) described.insert(key);
  EXPECT_EQ(described, shown_keys);
}

TEST_F(Documentation, PolicyManPageHasTheDefaults) {
  const auto shown = keys_shown(run({"policy", "show", policy("[[rule]]\nname = \"r\"\n")}));
  static const std::regex said(R"(.*, default \*(.*)\*)");
  for (const auto& [key, line] : keys_in_man_page()) {
    const bool has_none = key == "rule.name" || key == "rule.wait_for";
    std::smatch match;
    EXPECT_EQ(std::regex_match(line, match, said), !has_none) << line;
    if (!match.empty()) {
      EXPECT_EQ(match[1].str(), shown.at(key)) << key;
    }
  }
}

TEST_F(Documentation, PolicyManPageHasTheWords) {
  static const std::regex choices(R"re(expected (?:one of )?(".*"), found)re");
  static const std::regex quoted(R"re("([^"]*)")re");
  static const std::regex one(R"re(\*"([a-z-]+)"\*)re");
  for (const auto& [key, line] : keys_in_man_page()) {
    const auto words = all_matches(line.substr(0, line.find(", default")), one);
    if (words.empty()) continue;
    const auto dot = key.find('.');
    const std::string table =
        key.substr(0, dot) == "rule" ? "[[rule]]\nname = \"r\"\n" : "[" + key.substr(0, dot) + "]\n";
    const auto refused = run({"policy", "check", policy(table + key.substr(dot + 1) + " = \"nonsense\"\n")});
    std::smatch match;
    ASSERT_TRUE(std::regex_search(refused.output, match, choices)) << key << ": " << refused.output;
    EXPECT_EQ(words, all_matches(match[1], quoted)) << key;
  }
}

TEST_F(Documentation, ExamplesAreValidPolicies) {
  int examples = 0;
  auto files = markdown_files();
  for (const auto& page : man_pages()) files.push_back(page);
  for (const auto& file : files) {
    for (const auto& block : blocks_of(file)) {
      if (block.language != "toml" && !block.text.starts_with("version = ")) continue;
      const auto checked = run({"policy", "check", policy(block.text)});
      EXPECT_EQ(checked.exit_code, 0) << file << ":\n" << block.text << checked.output;
      ++examples;
    }
  }
  EXPECT_GE(examples, 4);
}

TEST_F(Documentation, TheInstalledPolicyIsTheBuiltInOne) {
  const auto installed = run({"policy", "show", (source / "packaging/policy.toml").string()});
  const auto built_in = run({"policy", "show", policy("")});
  ASSERT_EQ(installed.exit_code, 0) << installed.output;
  const auto body = [](const ProgramResult& result) { return result.output.substr(result.output.find('\n')); };
  EXPECT_EQ(body(installed), body(built_in));
}

// --- links -----------------------------------------------------------------------------------------------------------

// The anchors of a file's headings, as GitHub and GitLab make them.
Names anchors_of(const fs::path& file) {
  Names anchors;
  bool code = false;
  for (const auto& line : lines_of(file)) {
    if (line.starts_with("```")) code = !code;
    if (code || !line.starts_with("#")) continue;
    std::string anchor;
    const auto start = line.find_first_not_of("# ");
    if (start == std::string::npos) continue;
    for (const char c : line.substr(start)) {
      const auto byte = static_cast<unsigned char>(c);
      if (c == ' ') anchor += '-';
      if (std::isalnum(byte) != 0 || c == '-' || c == '_') anchor += static_cast<char>(std::tolower(byte));
    }
    anchors.insert(anchor);
  }
  return anchors;
}

TEST_F(Documentation, LinksLeadSomewhere) {
  static const std::regex link(R"(\]\(([^)\s]+)\))");
  for (const auto& file : markdown_files()) {
    for (const auto& target : all_matches(text_of(file), link)) {
      if (target.find("://") != std::string::npos) continue;
      const auto hash = target.find('#');
      const std::string path = target.substr(0, hash);
      const fs::path other = path.empty() ? file : file.parent_path() / path;
      if (!fs::exists(other)) {
        ADD_FAILURE() << file << " links to " << target << ", which is not there";
      } else if (hash != std::string::npos) {
        EXPECT_TRUE(anchors_of(other).contains(target.substr(hash + 1))) << file << " links to " << target;
      }
    }
  }
}

TEST_F(Documentation, EveryDocumentIsLinked) {
  const std::string readme = text_of(source / "README.md");
  for (const auto& file : markdown_files()) {
    const auto name = file.lexically_relative(source).string();
    if (name == "README.md") continue;
    EXPECT_NE(readme.find("](" + name + ")"), std::string::npos) << name;
  }
}

// --- form ------------------------------------------------------------------------------------------------------------

bool installed(const char* program) {
  const auto result = run_program({"sh", "-c", std::string("command -v ") + program});
  return result && result->exit_code == 0;
}

TEST_F(Documentation, ManPagesAreWellFormed) {
  if (!installed("scdoc")) GTEST_SKIP() << "scdoc is not installed";
  for (const auto& page : man_pages()) {
    const fs::path roff = directory / page.stem();
    const auto made = run({"-c", "scdoc < '" + page.string() + "' > '" + roff.string() + "'"}, "sh");
    ASSERT_EQ(made.exit_code, 0) << page << ": " << made.output;
    if (installed("mandoc")) {
      // scdoc puts paragraphs where none is needed.
      const auto lint =
          run({"-c", "mandoc -Tlint -W warning '" + roff.string() + "' | grep -v 'paragraph macro'"}, "sh");
      EXPECT_EQ(lint.output, "");
    }
    if (installed("man")) {
      const auto read = run({"-c", "MANWIDTH=100 man --warnings -l '" + roff.string() + "' 2>&1 >/dev/null"}, "sh");
      EXPECT_EQ(read.output, "");
    }
  }
}

}  // namespace
}  // namespace ctgate::test

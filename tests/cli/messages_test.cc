// SPDX-License-Identifier: GPL-2.0-or-later
// The messages that packaging/doc/troubleshooting.md explains are those of the sources.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

namespace ctgate::test {
namespace {

namespace fs = std::filesystem;

const fs::path source = CTGATE_SOURCE_DIR;

std::string content(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// All sources, with neighbouring string literals joined as the compiler joins them.
std::string literals() {
  std::string all;
  for (const char* directory : {"policy", "daemon", "shim"}) {
    for (const auto& entry : fs::recursive_directory_iterator(source / directory)) {
      const auto extension = entry.path().extension();
      if (extension == ".cc" || extension == ".hh") all += content(entry.path());
    }
  }
  return std::regex_replace(all, std::regex(R"("\s*\n\s*")"), "");
}

// The first column of the tables with messages: what stands between backquotes.
std::vector<std::string> explained_messages() {
  std::istringstream lines(content(source / "packaging/doc/troubleshooting.md"));
  std::vector<std::string> messages;
  bool in_table = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("| message")) in_table = true;
    if (!line.starts_with('|')) in_table = false;
    if (!in_table) continue;
    const std::string column = line.substr(0, line.find(" | "));
    const std::regex quoted("`([^`]+)`");
    for (std::sregex_iterator match(column.begin(), column.end(), quoted), end; match != end; ++match) {
      messages.push_back((*match)[1]);
    }
  }
  return messages;
}

// The words of a message that do not depend on the case and are not the system's: "queue N is taken by ..." has
// "is taken by".
std::vector<std::string> fixed_parts(const std::string& message) {
  const std::regex variable(
      R"(\.\.\.|: |; |/|[()]|\b[A-Z][A-Z:]*\b|\b[0-9]+\b|'[^']*'|"[^"]*"|iptables-restore|libctgate\.so|)"
      R"(No such file or directory|Permission denied|Operation not permitted)");
  std::vector<std::string> parts;
  for (std::sregex_token_iterator part(message.begin(), message.end(), variable, -1), end; part != end; ++part) {
    const auto words = std::regex_replace(part->str(), std::regex("^ +| +$"), "");
    if (words.size() >= 6) parts.push_back(words);
  }
  return parts;
}

TEST(Messages, ThoseThatAreExplainedExist) {
  const auto sources = literals();
  const auto messages = explained_messages();
  EXPECT_GT(messages.size(), 30U);
  for (const auto& message : messages) {
    for (const auto& part : fixed_parts(message)) {
      EXPECT_NE(sources.find(part), std::string::npos) << "\"" << part << "\" of `" << message << "`";
    }
  }
}

}  // namespace
}  // namespace ctgate::test

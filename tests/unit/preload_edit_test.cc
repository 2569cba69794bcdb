// SPDX-License-Identifier: GPL-2.0-or-later
// The text of ld.so.preload: what ld.so loads, and changes that leave every foreign byte alone.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "daemon/ctgate/preload/preload_edit.hh"
#include "daemon/ctgate/preload/preload_list.hh"

namespace ctgate::preload {
namespace {

constexpr std::string_view entry = "/usr/lib/libctgate.so";

bool is_ours(std::string_view word) {
  return word.ends_with("/libctgate.so");
}

std::vector<std::string> names(std::string_view text) {
  std::vector<std::string> result;
  for (const auto& word : preload_words(text)) {
    EXPECT_EQ(text.substr(word.offset, word.text.size()), word.text);
    result.push_back(word.text);
  }
  return result;
}

std::string added(std::string_view text) {
  return with_entry(text, entry, is_ours);
}
std::string removed(std::string_view text) {
  return without_entries(text, is_ours);
}

using Names = std::vector<std::string>;

TEST(PreloadWords, AreSeparatedBySpaceTabNewlineAndColon) {
  EXPECT_EQ(names("a b\tc:d\n\n::e"), (Names{"a", "b", "c", "d", "e"}));
  EXPECT_EQ(names(""), Names{});
  EXPECT_EQ(names(" \n\t:"), Names{});
  EXPECT_EQ(names("a\r\nb\vc"), (Names{"a\r", "b\vc"}));
  EXPECT_EQ(names(std::string_view("a\nb\0c\nd", 7)), (Names{"a", "b"}));
}

TEST(PreloadWords, CommentGoesToTheEndOfItsLine) {
  EXPECT_EQ(names("a # b c\nd\n"), (Names{"a", "d"}));
  EXPECT_EQ(names("a#b"), (Names{"a"}));
  EXPECT_EQ(names("# only"), Names{});
}

// Each of these was tried with ld.so of glibc 2.36 and a library that does not exist in place of a.
TEST(PreloadWords, LaterCommentsAreNamesWhereGlibcTakesThemForNames) {
  EXPECT_EQ(names("a # x\n# y\n"), (Names{"a", "#", "y"}));
  EXPECT_EQ(names("# one\n# two\n# three\na\n"), (Names{"#", "three", "a"}));
  EXPECT_EQ(names("# a comment that is long enough\na\n"), (Names{"a"}));
}

TEST(PreloadEdit, EntryGetsALineOfItsOwn) {
  EXPECT_EQ(added(""), "/usr/lib/libctgate.so\n");
  EXPECT_EQ(added("a.so\n"), "a.so\n/usr/lib/libctgate.so\n");
  EXPECT_EQ(added("a.so"), "a.so\n/usr/lib/libctgate.so\n");
  EXPECT_EQ(added(" \n"), " \n/usr/lib/libctgate.so\n");
  EXPECT_EQ(added("a.so # why"), "a.so # why\n/usr/lib/libctgate.so\n");
}

TEST(PreloadEdit, EntryThatIsThereStays) {
  for (const std::string text :
       {"/usr/lib/libctgate.so\n", "a:/usr/lib/libctgate.so b", "/usr/lib/libctgate.so # us"}) {
    EXPECT_EQ(added(text), text);
  }
}

TEST(PreloadEdit, EntryOfAnotherPrefixIsReplacedInItsPlace) {
  EXPECT_EQ(added("a\n/opt/libctgate.so b\nc\n"), "a\n/usr/lib/libctgate.so b\nc\n");
  EXPECT_EQ(added("/opt/libctgate.so\n/usr/lib/libctgate.so\nc:/old/libctgate.so\n"), "/usr/lib/libctgate.so\nc\n");
}

TEST(PreloadEdit, EntryInACommentIsNoEntry) {
  EXPECT_EQ(added("# /usr/lib/libctgate.so\n"), "# /usr/lib/libctgate.so\n/usr/lib/libctgate.so\n");
  EXPECT_EQ(removed("# /usr/lib/libctgate.so\n"), "# /usr/lib/libctgate.so\n");
}

TEST(PreloadEdit, ALineOfOursGoesWhole) {
  EXPECT_EQ(removed("/usr/lib/libctgate.so\n"), "");
  EXPECT_EQ(removed("/usr/lib/libctgate.so"), "");
  EXPECT_EQ(removed("a\n \t/usr/lib/libctgate.so: \nb\n"), "a\nb\n");
  EXPECT_EQ(removed("a\n/usr/lib/libctgate.so"), "a\n");
  EXPECT_EQ(removed("\n\n/usr/lib/libctgate.so\n\n"), "\n\n\n");
}

TEST(PreloadEdit, AmongOthersOnlyTheWordGoes) {
  EXPECT_EQ(removed("a:/usr/lib/libctgate.so:b\n"), "a:b\n");
  EXPECT_EQ(removed("/usr/lib/libctgate.so b\n"), "b\n");
  EXPECT_EQ(removed("a /usr/lib/libctgate.so\n"), "a\n");
  EXPECT_EQ(removed("a /usr/lib/libctgate.so \t\n"), "a \t\n");
  EXPECT_EQ(removed("a /usr/lib/libctgate.so # why\n"), "a # why\n");
  EXPECT_EQ(removed("/usr/lib/libctgate.so # ours\n"), "# ours\n");
  EXPECT_EQ(removed("/usr/lib/libctgate.so:/opt/libctgate.so:b /x/libctgate.so"), "b");
}

TEST(PreloadEdit, ForeignTextComesBackByteForByte) {
  for (const std::string text : {"", "\n", " \t\n", "a\n", "a:b c\n\n#x\n", "# one\n# two\n# three\nb.so\n"}) {
    EXPECT_EQ(removed(added(text)), text);
    EXPECT_EQ(removed(text), text);
  }
}

// Whatever stands there: ours is loaded once after adding, not at all after removing, and others as before.
TEST(PreloadEdit, HoldsForAnyText) {
  std::mt19937 random(1);  // NOLINT(cert-msc51-cpp): the same texts each time
  const std::vector<std::string> pieces{"a", "b.so", " ", "\t", "\n", ":", "#", "/x/libctgate.so", std::string(entry)};
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    for (auto i = random() % 14; i > 0; --i) text += pieces[random() % pieces.size()];
    const auto count = [](const std::string& of) {
      const auto words = names(of);
      return std::ranges::count_if(words, is_ours);
    };
    ASSERT_EQ(count(removed(text)), 0) << text;
    // Comments that glibc mistakes change their meaning with the length of the file; only without them is all the rest
    // bound to stay.
    if (text.find('#') != std::string::npos) continue;
    auto others = names(text);
    std::erase_if(others, is_ours);
    ASSERT_EQ(names(removed(text)), others) << text;
    ASSERT_EQ(count(added(text)), 1) << text;
    ASSERT_EQ(added(added(text)), added(text)) << text;
  }
}

TEST(PreloadList, PutsTheLibraryFirst) {
  EXPECT_EQ(prepend_library("/l/libctgate.so", ""), "/l/libctgate.so");
  EXPECT_EQ(prepend_library("/l/libctgate.so", "a.so b.so:/c/d.so"), "/l/libctgate.so:a.so:b.so:/c/d.so");
  EXPECT_EQ(prepend_library("/l/libctgate.so", " : a.so::"), "/l/libctgate.so:a.so");
}

TEST(PreloadList, HasTheLibraryOnce) {
  EXPECT_EQ(prepend_library("/l/libctgate.so", "a.so:/l/libctgate.so"), "/l/libctgate.so:a.so");
  EXPECT_EQ(prepend_library("/l/libctgate.so", "/usr/$LIB/libctgate.so libctgate.so a.so"), "/l/libctgate.so:a.so");
  EXPECT_EQ(prepend_library("/l/other.so", "/l/other.so b.so"), "/l/other.so:b.so");
}

}  // namespace
}  // namespace ctgate::preload

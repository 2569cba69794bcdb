// SPDX-License-Identifier: GPL-2.0-or-later
#include "shim/resolver/message.hh"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace ctgate::resolver {
namespace {

using Buffer = std::vector<std::uint8_t>;

// A message of a header and `tail`.
Buffer message_with(const Buffer& tail) {
  Buffer message(header_size);
  message.insert(message.end(), tail.begin(), tail.end());
  return message;
}

std::string text_of(const WireName& name) {
  std::array<char, 257> text{};
  EXPECT_TRUE(to_text(name, text));
  return text.data();
}

TEST(ResolverMessage, WritesTheQuestionThatLibcSends) {
  std::array<std::uint8_t, longest_query> out{};
  const std::size_t size = write_query("a.bc", type_aaaa, 0x1234, out);
  const Buffer expected = {0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 'a', 2, 'b', 'c', 0, 0, 28, 0, 1};
  EXPECT_EQ(Buffer(out.begin(), out.begin() + static_cast<long>(size)), expected);
}

// The query for a.bc AAAA and what comes back, byte by byte.
class ResolverAnswer : public ::testing::Test {
 protected:
  ResolverAnswer() {
    query_.resize(write_query("a.bc", type_aaaa, 0x1234, std::span<std::uint8_t, longest_query>(buffer_)));
    std::copy_n(buffer_.begin(), query_.size(), query_.begin());
    answer_ = query_;
    answer_[2] = 0x81;
    answer_[3] = 0x80;
  }
  [[nodiscard]] bool belongs() const { return answers_query(answer_, query_); }

  std::array<std::uint8_t, longest_query> buffer_{};
  Buffer query_, answer_;
};

TEST_F(ResolverAnswer, BelongsByIdNameTypeAndClass) {
  EXPECT_TRUE(belongs());
  for (const std::size_t at : {std::size_t{0}, std::size_t{1}, std::size_t{5}, header_size + 1, header_size + 6,
                               answer_.size() - 3, answer_.size() - 1}) {
    answer_[at] ^= 1;
    EXPECT_FALSE(belongs()) << at;
    answer_[at] ^= 1;
  }
}

TEST_F(ResolverAnswer, MayHaveOtherLettersAndAnythingBehindTheQuestion) {
  answer_[header_size + 1] = 'A';
  answer_.insert(answer_.end(), {0xff, 0xc0, 0xff});
  EXPECT_TRUE(belongs());
}

TEST_F(ResolverAnswer, MustHaveAReadableQuestion) {
  Buffer whole = answer_;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    answer_.assign(whole.begin(), whole.begin() + static_cast<long>(size));
    EXPECT_FALSE(belongs()) << size;
  }
}

TEST_F(ResolverAnswer, MayBeABareError) {
  answer_.resize(header_size);
  answer_[5] = 0;
  for (const int code : {2, 4, 5}) {  // SERVFAIL, NOTIMP, REFUSED
    answer_[3] = static_cast<std::uint8_t>(0x80 | code);
    EXPECT_TRUE(belongs()) << code;
  }
  for (const int code : {0, 1, 3}) {
    answer_[3] = static_cast<std::uint8_t>(0x80 | code);
    EXPECT_FALSE(belongs()) << code;
  }
  answer_[3] = 0x82;
  answer_[0] ^= 1;
  EXPECT_FALSE(belongs());
}

TEST(ResolverMessage, TrailingDotAddsNothing) {
  std::array<std::uint8_t, longest_query> with{};
  std::array<std::uint8_t, longest_query> without{};
  EXPECT_EQ(write_query("a.bc.", type_a, 1, with), write_query("a.bc", type_a, 1, without));
  EXPECT_EQ(with, without);
}

TEST(ResolverMessage, NamesThatDoNotFitAreRefused) {
  std::array<std::uint8_t, longest_query> out{};
  EXPECT_EQ(write_query("", type_a, 1, out), 0U);
  EXPECT_EQ(write_query("a..b", type_a, 1, out), 0U);
  EXPECT_EQ(write_query((std::string(64, 'x')).c_str(), type_a, 1, out), 0U);
  std::string longest;
  for (int i = 0; i < 4; ++i) longest += std::string(i < 3 ? 63 : 61, 'x') + ".";
  EXPECT_EQ(write_query(longest.c_str(), type_a, 1, out), longest_query);
  EXPECT_EQ(write_query(("y" + longest).c_str(), type_a, 1, out), 0U);
}

TEST(ResolverMessage, ReadsTheHeader) {
  const Buffer message = {0xab, 0xcd, 0x86, 0x83, 0, 1, 1, 2, 0, 0, 0, 7};
  Header header;
  ASSERT_TRUE(read_header(message, header));
  EXPECT_EQ(header.id, 0xabcd);
  EXPECT_TRUE(header.authoritative);
  EXPECT_TRUE(header.truncated);
  EXPECT_TRUE(header.recursion_available);
  EXPECT_EQ(header.code, ResponseCode::nx_domain);
  EXPECT_EQ(header.questions, 1);
  EXPECT_EQ(header.answers, 0x102);
  EXPECT_EQ(header.additional, 7);
  EXPECT_FALSE(read_header(Bytes{message}.first(11), header));
}

TEST(ResolverMessage, FollowsCompression) {
  // "b.c" at 12, "a" and a pointer to it at 17.
  const Buffer message = message_with({1, 'b', 1, 'c', 0, 1, 'a', 0xc0, 12, 9});
  WireName name;
  EXPECT_EQ(read_name(message, 17, name), 4U);
  EXPECT_EQ(text_of(name), "a.b.c");
  EXPECT_EQ(read_name(message, 12, name), 5U);
  EXPECT_EQ(text_of(name), "b.c");
}

TEST(ResolverMessage, MalformedNamesAreRefused) {
  WireName name;
  EXPECT_EQ(read_name(message_with({0xc0, 12}), 12, name), 0U) << "a pointer to itself";
  EXPECT_EQ(read_name(message_with({0xc0, 14, 0xc0, 12}), 12, name), 0U) << "two pointers to each other";
  EXPECT_EQ(read_name(message_with({1, 'a', 0xc0, 12}), 12, name), 0U) << "a name that grows for ever";
  EXPECT_EQ(read_name(message_with({3, 'a', 'b'}), 12, name), 0U) << "a label past the end";
  EXPECT_EQ(read_name(message_with({1, 'a'}), 12, name), 0U) << "no end";
  EXPECT_EQ(read_name(message_with({0xc0}), 12, name), 0U) << "half a pointer";
  EXPECT_EQ(read_name(message_with({0xc1, 0}), 12, name), 0U) << "a pointer past the end";
  EXPECT_EQ(read_name(message_with({0x41, 'a', 0}), 12, name), 0U) << "an unknown type of label";
  EXPECT_EQ(read_name(message_with({}), 12, name), 0U) << "nothing";
}

TEST(ResolverMessage, NamesMayHave255Bytes) {
  Buffer labels;
  for (const std::size_t length : {63, 63, 63, 61}) {
    labels.push_back(static_cast<std::uint8_t>(length));
    labels.insert(labels.end(), length, 'x');
  }
  labels.push_back(0);
  WireName name;
  EXPECT_EQ(read_name(message_with(labels), 12, name), 255U);
  EXPECT_TRUE(is_host_name(name));
  labels[192] = 62;
  labels.insert(labels.end() - 1, 'x');
  EXPECT_EQ(read_name(message_with(labels), 12, name), 0U);
}

TEST(ResolverMessage, HostNamesAndCase) {
  const auto read = [](const Buffer& labels) {
    WireName name;
    EXPECT_EQ(read_name(message_with(labels), 12, name), labels.size());
    return name;
  };
  EXPECT_TRUE(same_name(read({2, 'a', 'Z', 0}), read({2, 'A', 'z', 0})));
  EXPECT_FALSE(same_name(read({2, 'a', 'Z', 0}), read({2, 'a', 'y', 0})));
  EXPECT_FALSE(same_name(read({1, 'a', 1, 'b', 0}), read({3, 'a', 1, 'b', 0})));
  EXPECT_TRUE(is_host_name(read({3, 'a', '_', '-', 1, '-', 0})));
  EXPECT_TRUE(is_host_name(read({0})));
  EXPECT_FALSE(is_host_name(read({1, '-', 0})));
  EXPECT_FALSE(is_host_name(read({1, 'a', 1, '*', 0})));
  EXPECT_FALSE(is_host_name(read({3, 'a', '.', 'b', 0})));
  EXPECT_FALSE(is_host_name(read({2, 'a', 0, 0})));
}

TEST(ResolverMessage, TextOfTheRootAndOfTooLittleRoom) {
  WireName name;
  ASSERT_EQ(read_name(message_with({0}), 12, name), 1U);
  EXPECT_EQ(text_of(name), ".");
  ASSERT_EQ(read_name(message_with({3, 'a', 'b', 'c', 0}), 12, name), 5U);
  std::array<char, 4> exact{};
  EXPECT_FALSE(to_text(name, std::span<char>{exact}.first(3)));
}

}  // namespace
}  // namespace ctgate::resolver

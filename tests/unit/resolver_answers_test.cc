// SPDX-License-Identifier: GPL-2.0-or-later
// What answers come to; the expectations are what glibc 2.36 was seen to do.
#include "shim/resolver/answers.hh"

#include <gtest/gtest.h>
#include <netdb.h>

#include <array>
#include <string>
#include <vector>

namespace ctgate::resolver {
namespace {

using Buffer = std::vector<std::uint8_t>;

Buffer name_of(const std::string& text) {
  Buffer name;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find('.', begin), text.size());
    name.push_back(static_cast<std::uint8_t>(end - begin));
    name.insert(name.end(), text.begin() + static_cast<long>(begin), text.begin() + static_cast<long>(end));
    begin = end + 1;
  }
  name.push_back(0);
  return name;
}

void append(Buffer& to, const Buffer& more) {
  to.insert(to.end(), more.begin(), more.end());
}

// An answer to a question for `host.test`, which records are added to.
class Message {
 public:
  explicit Message(RecordType type, ResponseCode code = ResponseCode::no_error) : type_(type) {
    bytes_ = {1, 2, 0x81, static_cast<std::uint8_t>(0x80 | static_cast<unsigned>(code)), 0, 1, 0, 0, 0, 0, 0, 0};
    append(bytes_, name_of("host.test"));
    append(bytes_, {0, static_cast<std::uint8_t>(type), 0, 1});
  }

  Message& record(const std::string& owner, RecordType type, const Buffer& data) {
    append(bytes_, name_of(owner));
    append(bytes_, {0, static_cast<std::uint8_t>(type), 0, 1, 0, 0, 0, 60, 0, static_cast<std::uint8_t>(data.size())});
    append(bytes_, data);
    ++bytes_[7];
    return *this;
  }
  Message& address(const std::string& owner, std::uint8_t last) {
    Buffer data(type_ == type_a ? 4 : 16);
    data.back() = last;
    return record(owner, type_, data);
  }
  Message& alias(const std::string& owner, const std::string& target) {
    return record(owner, type_cname, name_of(target));
  }
  Message& cut(std::size_t bytes) {
    bytes_.erase(bytes_.end() - static_cast<long>(bytes), bytes_.end());
    return *this;
  }
  [[nodiscard]] Bytes bytes() const { return bytes_; }

 private:
  RecordType type_;
  Buffer bytes_;
};

struct Result {
  Collected collected = Collected::nothing;
  std::vector<int> last_bytes;  // those of IPv6 negative
  std::string canonical;
};

Result collect_from(Bytes first, Bytes second) {
  HostAddressList addresses;
  std::array<char, longest_name_text> canonical{};
  Result result;
  result.collected = collect({first, second}, addresses, canonical);
  for (std::size_t i = 0; i < addresses.count; ++i) {
    const HostAddress& address = addresses.data[i];
    result.last_bytes.push_back(address.family == AF_INET ? address.bytes[3] : -address.bytes[15]);
  }
  result.canonical = canonical.data();
  addresses.clear();
  return result;
}

TEST(ResolverAnswers, AddressesComeInTheOrderOfTheAnswersWithDuplicates) {
  const auto a = Message(type_a).address("host.test", 1).address("HOST.test", 1);
  const auto aaaa = Message(type_aaaa).address("host.test", 2);
  EXPECT_EQ(collect_from(a.bytes(), aaaa.bytes()).last_bytes, (std::vector<int>{1, 1, -2}));
  EXPECT_EQ(collect_from(aaaa.bytes(), a.bytes()).last_bytes, (std::vector<int>{-2, 1, 1}));
  EXPECT_EQ(collect_from(a.bytes(), aaaa.bytes()).canonical, "host.test");
}

TEST(ResolverAnswers, AliasesAreFollowedAndTheLastIsCanonical) {
  const auto a = Message(type_a).alias("host.test", "b.test").alias("b.test", "C.test").address("c.test", 1);
  const Result result = collect_from(a.bytes(), {});
  EXPECT_EQ(result.last_bytes, std::vector<int>{1});
  EXPECT_EQ(result.canonical, "C.test");
}

TEST(ResolverAnswers, AnAliasThatIsNoHostNameIsFollowedButNotCanonical) {
  const auto a = Message(type_a).alias("host.test", "*.test").address("*.test", 1);
  const Result result = collect_from(a.bytes(), {});
  EXPECT_EQ(result.last_bytes, std::vector<int>{1});
  EXPECT_EQ(result.canonical, "host.test");
}

TEST(ResolverAnswers, OtherOwnersTypesAndSizesDoNotCount) {
  const auto a = Message(type_a)
                     .address("other.test", 1)
                     .record("host.test", type_aaaa, Buffer(16))
                     .record("host.test", type_a, Buffer(3));
  EXPECT_EQ(collect_from(a.bytes(), {}).collected, Collected::nothing);
}

TEST(ResolverAnswers, AnAliasAloneIsNothing) {
  const auto a = Message(type_a).alias("host.test", "b.test");
  const auto aaaa = Message(type_aaaa).address("host.test", 2);
  EXPECT_EQ(collect_from(a.bytes(), {}).collected, Collected::nothing);
  EXPECT_EQ(collect_from(a.bytes(), aaaa.bytes()).last_bytes, std::vector<int>{-2});
  EXPECT_EQ(collect_from(a.bytes(), aaaa.bytes()).canonical, "host.test");
}

TEST(ResolverAnswers, AMalformedFirstAnswerIsTheEndAMalformedSecondIsNot) {
  const auto good = Message(type_a).address("host.test", 1);
  const auto bad = Message(type_aaaa).address("host.test", 2).address("host.test", 3).cut(1);
  EXPECT_EQ(collect_from(bad.bytes(), good.bytes()).collected, Collected::nothing);
  const Result result = collect_from(good.bytes(), bad.bytes());
  EXPECT_EQ(result.collected, Collected::addresses);
  EXPECT_EQ(result.last_bytes, (std::vector<int>{1, -2})) << "what came before the damage counts, as with glibc";
}

TEST(ResolverAnswers, EveryTruncationIsHarmless) {
  const auto whole = Message(type_a).alias("host.test", "b.test").address("b.test", 1).address("b.test", 2);
  for (std::size_t size = 0; size < whole.bytes().size(); ++size) {
    // A copy of its own, so that a read past its end is seen by the sanitizers.
    const Buffer part(whole.bytes().begin(), whole.bytes().begin() + static_cast<long>(size));
    EXPECT_EQ(collect_from(part, {}).collected, Collected::nothing) << size;
  }
}

HostError judged(ResponseCode first, bool first_data, ResponseCode second, bool second_data) {
  auto a = Message(type_a, first);
  auto aaaa = Message(type_aaaa, second);
  if (first_data) a.address("host.test", 1);
  if (second_data) aaaa.address("host.test", 2);
  return judge({a.bytes(), aaaa.bytes()});
}

TEST(ResolverAnswers, DataInEitherAnswerIsData) {
  EXPECT_EQ(judged(ResponseCode::no_error, true, ResponseCode::nx_domain, false), HostError::none);
  EXPECT_EQ(judged(ResponseCode::nx_domain, false, ResponseCode::no_error, true), HostError::none);
  EXPECT_EQ(judged(ResponseCode::form_err, false, ResponseCode::no_error, true), HostError::none);
}

TEST(ResolverAnswers, ErrorsAreLibcs) {
  EXPECT_EQ(judged(ResponseCode::no_error, false, ResponseCode::no_error, false), HostError::no_data);
  EXPECT_EQ(judged(ResponseCode::nx_domain, false, ResponseCode::no_error, false), HostError::not_found);
  EXPECT_EQ(judged(ResponseCode::no_error, false, ResponseCode::nx_domain, false), HostError::not_found);
  EXPECT_EQ(judged(ResponseCode::serv_fail, false, ResponseCode::nx_domain, false), HostError::try_again);
  EXPECT_EQ(judged(ResponseCode::refused, false, ResponseCode::serv_fail, false), HostError::no_recovery);
  EXPECT_EQ(judged(ResponseCode::form_err, false, ResponseCode::form_err, false), HostError::no_recovery);
}

TEST(ResolverAnswers, OneAnswerIsJudgedAlone) {
  EXPECT_EQ(judge({Message(type_a).bytes(), {}}), HostError::no_data);
  EXPECT_EQ(judge({{}, Message(type_aaaa, ResponseCode::nx_domain).bytes()}), HostError::not_found);
  EXPECT_EQ(judge({{}, Message(type_aaaa).address("host.test", 1).bytes()}), HostError::none);
}

TEST(ResolverAnswers, ErrorsOfGetaddrinfo) {
  EXPECT_EQ(to_address_error(HostError::none), 0);
  EXPECT_EQ(to_address_error(HostError::not_found), EAI_NONAME);
  EXPECT_EQ(to_address_error(HostError::no_recovery), EAI_NONAME);
  EXPECT_EQ(to_address_error(HostError::try_again), EAI_AGAIN);
  EXPECT_EQ(to_address_error(HostError::no_data), EAI_NODATA);
}

}  // namespace
}  // namespace ctgate::resolver

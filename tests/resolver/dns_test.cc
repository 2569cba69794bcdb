// SPDX-License-Identifier: GPL-2.0-or-later
// The tests' own DNS server: its messages, its zone and its tricks.
#include <gtest/gtest.h>

#include <array>

#include "tests/resolver/zone.hh"

namespace ctgate::test::dns {
namespace {

Bytes query(std::string_view name, std::uint16_t kind, std::uint16_t id = 0x1234) {
  Bytes bytes{static_cast<std::uint8_t>(id >> 8), static_cast<std::uint8_t>(id), 1, 0, 0, 1, 0, 0, 0, 0, 0, 0};
  const auto wire = encode_name(name);
  bytes.insert(bytes.end(), wire.begin(), wire.end());
  bytes.insert(bytes.end(), {0, static_cast<std::uint8_t>(kind), 0, 1});
  return bytes;
}

unsigned answer_count(const Bytes& message) {
  return static_cast<unsigned>(message.at(6) << 8 | message.at(7));
}
unsigned rcode(const Bytes& message) {
  return message.at(3) & 0xfU;
}
bool truncated(const Bytes& message) {
  return (message.at(2) & 2) != 0;
}

Zone sample() {
  Zone zone;
  zone.add("www.test", {{*Address::parse("192.0.2.1"), *Address::parse("192.0.2.2"), *Address::parse("2001:db8::1")}});
  zone.add("alias.test", {.addresses = {}, .alias = "www.test"})
      .add("gone.test", {.addresses = {}, .alias = "no.test"});
  zone.add("loop.test", {.addresses = {}, .alias = "loop.test"});
  zone.add("bad.test", {.addresses = {*Address::parse("192.0.2.1")}, .rcode_aaaa = Rcode::server_failure});
  zone.add("*.wild.test", {{*Address::parse("192.0.2.3")}});
  return zone;
}

Bytes only_reply(Zone& zone, std::string_view name, std::uint16_t kind) {
  const auto replies = zone.respond(query(name, kind), Transport::datagram);
  return replies.size() == 1 ? replies[0].bytes : Bytes(header_size);
}

TEST(DnsMessage, QuestionIsReadInLowerCaseAndKeptAsSent) {
  const auto question = parse_question(query("WwW.Test", type::aaaa));
  ASSERT_TRUE(question);
  EXPECT_EQ(question->id, 0x1234);
  EXPECT_EQ(question->name, "www.test");
  EXPECT_EQ(question->type, type::aaaa);
  EXPECT_EQ(question->wire, Bytes({3, 'W', 'w', 'W', 4, 'T', 'e', 's', 't', 0, 0, 28, 0, 1}));
}

TEST(DnsMessage, NothingElseIsAQuestion) {
  const auto good = query("www.test", type::a);
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(parse_question(std::span(good).first(size))) << size;
  }
  auto answer = good, compressed = good, two = good;
  answer[2] |= 0x80;
  compressed[header_size] = 0xc0;
  two[5] = 2;
  for (const auto& bad : {answer, compressed, two}) EXPECT_FALSE(parse_question(bad));
}

TEST(DnsMessage, AnswerIsAsRfc1035HasIt) {
  const auto question = *parse_question(query("a.b", type::a));
  const Bytes expected{0x12, 0x34, 0x81, 0x80, 0, 1, 0, 1, 0, 0,  0, 0,                 // header
                       1,    'a',  1,    'b',  0, 0, 1, 0, 1,                           // question
                       0xc0, 12,   0,    1,    0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1};  // record
  EXPECT_EQ(encode(question, {.records = {address_record("a.b", *Address::parse("192.0.2.1"))}}), expected);
}

TEST(DnsMessage, WhatDoesNotFitIsLeftOut) {
  const auto question = *parse_question(query("a.b", type::a));
  const Answer answer{.records = std::vector<Record>(10, address_record("a.b", *Address::parse("192.0.2.1")))};
  const auto message = encode(question, answer, 60);
  EXPECT_LE(message.size(), 60U);
  EXPECT_EQ(answer_count(message), 2U);
  EXPECT_TRUE(truncated(message));
  EXPECT_FALSE(truncated(encode(question, answer)));
}

TEST(Zone, AnswersWhatItHas) {
  auto zone = sample();
  EXPECT_EQ(answer_count(only_reply(zone, "www.test", type::a)), 2U);
  EXPECT_EQ(answer_count(only_reply(zone, "www.test", type::aaaa)), 1U);
  EXPECT_EQ(answer_count(only_reply(zone, "alias.test", type::a)), 3U);
  EXPECT_EQ(answer_count(only_reply(zone, "loop.test", type::a)), 16U);
  EXPECT_EQ(answer_count(only_reply(zone, "x.y.wild.test", type::a)), 1U);
  EXPECT_EQ(answer_count(only_reply(zone, "x.wild.test", type::aaaa)), 0U);
  EXPECT_EQ(rcode(only_reply(zone, "x.wild.test", type::aaaa)), 0U);
  EXPECT_EQ(rcode(only_reply(zone, "no.test", type::a)), 3U);
  EXPECT_EQ(rcode(only_reply(zone, "gone.test", type::a)), 3U);
  EXPECT_EQ(rcode(only_reply(zone, "bad.test", type::a)), 0U);
  EXPECT_EQ(rcode(only_reply(zone, "bad.test", type::aaaa)), 2U);
  EXPECT_TRUE(zone.respond({1, 2, 3}, Transport::datagram).empty());
}

TEST(Zone, RotatesTheAddresses) {
  Zone zone;
  zone.add("www.test", {.addresses = {*Address::parse("192.0.2.1"), *Address::parse("192.0.2.2")}, .rotate = true});
  const auto first = only_reply(zone, "www.test", type::a);
  EXPECT_NE(first, only_reply(zone, "www.test", type::a));
  EXPECT_EQ(first, only_reply(zone, "www.test", type::a));
}

TEST(Tricks, EndInTheTruthWhereTheyAreBlind) {
  Zone zone;
  const std::vector<Address> addresses{*Address::parse("192.0.2.1"), *Address::parse("2001:db8::1")};
  zone.add("truth.test", {addresses});
  for (const Trick trick : {Trick::wrong_id, Trick::wrong_question, Trick::other_address, Trick::not_an_answer}) {
    zone.add("trick.test", {.addresses = addresses, .trick_a = trick, .trick_aaaa = trick});
    for (const auto kind : {type::a, type::aaaa}) {
      const auto replies = zone.respond(query("trick.test", kind), Transport::datagram);
      ASSERT_EQ(replies.size(), 2U);
      EXPECT_NE(replies[0].bytes, replies[1].bytes);
      EXPECT_LT(replies[0].delay, replies[1].delay);
      EXPECT_EQ(answer_count(replies[1].bytes), 1U);
      EXPECT_EQ(zone.respond(query("trick.test", kind), Transport::stream).size(), 1U);
    }
  }
}

TEST(Tricks, BigAnswersAreAsBigAsTransportsAllow) {
  Zone zone;
  zone.add("d.test", {.addresses = {}, .trick_a = Trick::huge_datagram, .trick_aaaa = Trick::huge_datagram});
  zone.add("s.test", {.addresses = {}, .trick_a = Trick::huge_stream, .trick_aaaa = Trick::huge_stream});
  const auto datagram = only_reply(zone, "d.test", type::a);
  EXPECT_GT(datagram.size(), 59'900U);
  EXPECT_FALSE(truncated(datagram));
  EXPECT_TRUE(truncated(only_reply(zone, "s.test", type::a)));
  const auto stream = zone.respond(query("s.test", type::aaaa), Transport::stream);
  ASSERT_EQ(stream.size(), 1U);
  EXPECT_GT(stream[0].bytes.size(), 65'400U);
  EXPECT_LE(stream[0].bytes.size(), 65'535U);
}

TEST(Tricks, MutationsAreTheSameEachTime) {
  Zone zone;
  zone.add("*.test", {.addresses = {*Address::parse("192.0.2.1")}, .trick_a = Trick::mutated});
  unsigned different = 0;
  for (int i = 0; i < 50; ++i) {
    const auto name = std::string("m") + std::to_string(i) + ".test";
    const auto replies = zone.respond(query(name, type::a), Transport::datagram);
    ASSERT_EQ(replies.size(), 2U);
    EXPECT_EQ(replies[0].bytes, zone.respond(query(name, type::a), Transport::datagram)[0].bytes);
    different += replies[0].bytes == replies[1].bytes ? 0 : 1;
  }
  EXPECT_GT(different, 40U);
}

}  // namespace
}  // namespace ctgate::test::dns

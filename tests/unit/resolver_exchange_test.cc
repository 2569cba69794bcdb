// SPDX-License-Identifier: GPL-2.0-or-later
#include "shim/resolver/exchange.hh"

#include <gtest/gtest.h>

namespace ctgate::resolver {
namespace {

using Next = Exchange::Next;

Header with(ResponseCode code) {
  Header header;
  header.code = code;
  header.recursion_available = true;
  return header;
}

const Header good = with(ResponseCode::no_error);
const Header missing_name = with(ResponseCode::nx_domain);
const Header failure = with(ResponseCode::serv_fail);

TEST(ResolverExchange, BothAnswersInEitherOrder) {
  Exchange exchange;
  EXPECT_EQ(exchange.answered(question_aaaa, good, false), Next::wait);
  EXPECT_EQ(exchange.answered(question_a, missing_name, false), Next::done);
  EXPECT_TRUE(exchange.counts(question_a));
  EXPECT_TRUE(exchange.counts(question_aaaa));
  EXPECT_EQ(exchange.first(), question_aaaa);
  EXPECT_EQ(exchange.first_code(ResponseCode::refused), ResponseCode::no_error);
}

TEST(ResolverExchange, AnAnswerCountsOnce) {
  Exchange exchange;
  EXPECT_EQ(exchange.answered(question_a, good, false), Next::wait);
  EXPECT_EQ(exchange.answered(question_a, failure, false), Next::wait);
  EXPECT_TRUE(exchange.counts(question_a));
}

TEST(ResolverExchange, OneErrorLeavesTheOtherAnswer) {
  for (const bool error_first : {true, false}) {
    Exchange exchange;
    EXPECT_EQ(exchange.answered(question_a, error_first ? failure : good, false), Next::wait);
    EXPECT_EQ(exchange.answered(question_aaaa, error_first ? good : failure, false), Next::done);
    EXPECT_EQ(exchange.counts(question_a), !error_first);
    EXPECT_EQ(exchange.counts(question_aaaa), error_first);
  }
}

TEST(ResolverExchange, TwoErrorsAreForTheNextServer) {
  for (const ResponseCode code : {ResponseCode::serv_fail, ResponseCode::not_imp, ResponseCode::refused}) {
    Exchange exchange;
    EXPECT_EQ(exchange.answered(question_a, with(code), false), Next::wait);
    EXPECT_EQ(exchange.answered(question_aaaa, with(code), false), Next::next_server);
    EXPECT_EQ(exchange.first_code(ResponseCode::no_error), code);
  }
}

TEST(ResolverExchange, AnEmptyAnswerOfAServerThatDoesNotAskIsAnError) {
  Exchange exchange;
  EXPECT_EQ(exchange.answered(question_a, Header{}, false), Next::wait);
  EXPECT_EQ(exchange.answered(question_aaaa, Header{}, false), Next::next_server);
}

TEST(ResolverExchange, TruncationAsksByStreamAtOnce) {
  Header truncated = good;
  truncated.truncated = true;
  Exchange exchange;
  EXPECT_EQ(exchange.answered(question_a, truncated, false), Next::use_stream);
  Exchange other;
  EXPECT_EQ(other.answered(question_a, good, false), Next::wait);
  EXPECT_EQ(other.answered(question_aaaa, truncated, false), Next::use_stream);
}

TEST(ResolverExchange, ByStreamEveryAnswerCounts) {
  Header truncated = failure;
  truncated.truncated = true;
  Exchange exchange;
  EXPECT_EQ(exchange.answered(question_a, truncated, true), Next::wait);
  EXPECT_EQ(exchange.answered(question_aaaa, failure, true), Next::done);
  EXPECT_TRUE(exchange.counts(question_a));
}

TEST(ResolverExchange, SilenceIsForTheNextServer) {
  Exchange silent;
  EXPECT_EQ(silent.timed_out(), Next::next_server);
  EXPECT_EQ(silent.first_code(ResponseCode::serv_fail), ResponseCode::serv_fail) << "that of an earlier server";
  Exchange error;
  (void)error.answered(question_a, failure, false);
  EXPECT_EQ(error.timed_out(), Next::next_server);
}

TEST(ResolverExchange, AloneAnAnswerForAIsEnoughAfterASecondTry) {
  Exchange exchange;
  (void)exchange.answered(question_a, good, false);
  EXPECT_EQ(exchange.timed_out(), Next::ask_again);
  EXPECT_EQ(exchange.missing(), question_aaaa);
  EXPECT_EQ(exchange.timed_out(), Next::done);
}

TEST(ResolverExchange, AloneAnAnswerForAaaaIsNot) {
  Exchange exchange;
  (void)exchange.answered(question_aaaa, good, false);
  EXPECT_EQ(exchange.timed_out(), Next::ask_again);
  EXPECT_EQ(exchange.missing(), question_a);
  EXPECT_EQ(exchange.timed_out(), Next::next_server);
  Exchange doubtful{true};
  (void)doubtful.answered(question_aaaa, good, false);
  EXPECT_EQ(doubtful.timed_out(), Next::next_server);
}

}  // namespace
}  // namespace ctgate::resolver

// SPDX-License-Identifier: GPL-2.0-or-later
// Which servers are asked for a name, and what their answers come to: without c-ares, sockets or waiting.
#include "shim/resolver/transport.hh"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <algorithm>
#include <functional>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

namespace ctgate::resolver {
namespace {

using namespace std::chrono_literals;
using Event = Channel::Event;
using Message = std::vector<std::uint8_t>;

// What one socket gave: its questions.
struct Opened {
  std::uint8_t server = 0;  // the last byte of its address
  bool by_stream = false;
  std::chrono::milliseconds limit{0};
  std::vector<Message> sent{};
};

// What happens next on a socket; a message is made from what was sent on it.
struct Step {
  Event event = Event::message;
  std::function<Message(const Opened&)> message{};
};

// A bare header with the question of the `index`th query.
Step answer(std::size_t index, ResponseCode code = ResponseCode::no_error, std::uint8_t answers = 0) {
  return {Event::message, [=](const Opened& socket) {
            Message message = socket.sent.at(index);
            message[2] |= 0x80;
            message[3] = static_cast<std::uint8_t>(0x80 | static_cast<unsigned>(code));
            message[7] = answers;
            return message;
          }};
}

Step changed(const Step& step, const std::function<void(Message&)>& change) {
  return {Event::message, [=](const Opened& socket) {
            Message message = step.message(socket);
            change(message);
            return message;
          }};
}

Step truncated(std::size_t index) {
  return changed(answer(index), [](Message& message) { message[2] |= 0x02; });
}

Step with_id(const Step& step, std::uint8_t change) {
  return changed(step, [=](Message& message) { message[0] ^= change; });
}

// As Channel, from a script: what happens on each socket, one after the other. At its end, nothing comes any more.
class FakeChannel {
 public:
  explicit FakeChannel(std::vector<std::vector<Step>> script) : script_(std::move(script)) {}

  void open(const NameServer& server, bool by_stream, std::chrono::milliseconds limit) {
    opened_.push_back({server.address.bytes[3], by_stream, limit});
    step_ = 0;
  }
  void send(Bytes query) { opened_.back().sent.emplace_back(query.begin(), query.end()); }
  Event receive(Bytes& message) {
    const std::size_t socket = opened_.size() - 1;
    if (socket >= script_.size() || step_ == script_[socket].size()) return Event::timed_out;
    const Step& step = script_[socket][step_++];
    if (step.event != Event::message) return step.event;
    message_ = step.message(opened_.back());
    message = message_;
    return Event::message;
  }
  void close() { ++closed_; }

  [[nodiscard]] const std::vector<Opened>& opened() const { return opened_; }
  [[nodiscard]] std::size_t closed() const { return closed_; }

 private:
  std::vector<std::vector<Step>> script_;
  std::vector<Opened> opened_;
  std::size_t step_ = 0;
  std::size_t closed_ = 0;
  Message message_;
};

Configuration with_servers(unsigned count, unsigned attempts = 2) {
  Configuration configuration;
  configuration.server_count = count;
  configuration.attempts = attempts;
  for (unsigned i = 0; i < count; ++i) {
    configuration.servers[i].address.family = AF_INET;
    configuration.servers[i].address.bytes[3] = static_cast<std::uint8_t>(i + 1);
    configuration.servers[i].port = 53;
  }
  return configuration;
}

// One lookup.
class Lookup {
 public:
  Lookup(Configuration configuration, std::vector<std::vector<Step>> script)
      : configuration_(configuration), channel_(std::move(script)) {
    asked = transport_.ask("host.test");
  }
  ~Lookup() { transport_.drop_answers(); }
  Lookup(const Lookup&) = delete;
  Lookup& operator=(const Lookup&) = delete;
  Lookup(Lookup&&) = delete;
  Lookup& operator=(Lookup&&) = delete;

  Asked asked;

  [[nodiscard]] const std::vector<Opened>& sockets() const { return channel_.opened(); }
  [[nodiscard]] bool left_open() const { return channel_.closed() != channel_.opened().size(); }
  [[nodiscard]] Answers answers() const { return transport_.answers(); }
  [[nodiscard]] bool out_of_memory() const { return transport_.out_of_memory(); }
  [[nodiscard]] std::vector<int> servers() const {
    std::vector<int> result;
    for (const auto& one : channel_.opened()) result.push_back(one.server);
    return result;
  }

 private:
  Configuration configuration_;
  FakeChannel channel_;
  Transport<FakeChannel> transport_{configuration_, channel_};
};

constexpr auto no_error = ResponseCode::no_error;
constexpr auto failure = ResponseCode::serv_fail;
const std::vector<Step> both_found{answer(0, no_error, 1), answer(1, no_error, 1)};

TEST(ResolverTransport, SendsBothQuestionsOnOneSocketWithDifferentIds) {
  const Lookup lookup(with_servers(1), {both_found});
  EXPECT_EQ(lookup.asked.error, HostError::none);
  ASSERT_EQ(lookup.sockets().size(), 1U);
  EXPECT_FALSE(lookup.left_open());
  const auto& socket = lookup.sockets()[0];
  EXPECT_FALSE(socket.by_stream);
  EXPECT_EQ(socket.limit, 5s);
  ASSERT_EQ(socket.sent.size(), 2U);
  EXPECT_NE(read_16(socket.sent[0], 0), read_16(socket.sent[1], 0));
  EXPECT_EQ(read_16(socket.sent[0], socket.sent[0].size() - 4), type_a);
  EXPECT_EQ(read_16(socket.sent[1], socket.sent[1].size() - 4), type_aaaa);
}

TEST(ResolverTransport, AnswersAreInTheOrderOfArrival) {
  const Lookup lookup(with_servers(1), {{both_found[1], both_found[0]}});
  const auto& sent = lookup.sockets()[0].sent;
  EXPECT_EQ(read_16(lookup.answers().first, 0), read_16(sent[1], 0));
  EXPECT_EQ(read_16(lookup.answers().second, 0), read_16(sent[0], 0));
}

TEST(ResolverTransport, DatagramsWithAnotherIdOrNameAreNoAnswers) {
  const auto other_name = changed(both_found[1], [](Message& message) { message[header_size + 1] ^= 1; });
  const Lookup lookup(with_servers(1), {{with_id(both_found[0], 1), other_name, both_found[0], both_found[1]}});
  EXPECT_EQ(lookup.asked.error, HostError::none);
  EXPECT_FALSE(lookup.answers().second.empty());
  EXPECT_EQ(lookup.sockets().size(), 1U);
}

TEST(ResolverTransport, ADatagramShorterThanAHeaderEndsTheExchange) {
  const Step stub{Event::message, [](const Opened&) { return Message(header_size - 1); }};
  const Lookup lookup(with_servers(2), {{both_found[0], stub}, both_found});
  EXPECT_EQ(lookup.servers(), (std::vector{1, 2}));
  EXPECT_EQ(lookup.asked.error, HostError::none);
}

TEST(ResolverTransport, AfterErrorsTheNextServerIsAsked) {
  const std::vector<Step> errors{answer(0, failure), answer(1, failure)};
  const Lookup lookup(with_servers(3, 1), {errors, {{Event::failed}}, errors});
  EXPECT_EQ(lookup.servers(), (std::vector{1, 2, 3}));
  EXPECT_EQ(lookup.asked.error, HostError::try_again);
  EXPECT_EQ(lookup.asked.first_code, failure);
  EXPECT_FALSE(lookup.asked.refused);
  EXPECT_FALSE(lookup.left_open());
}

TEST(ResolverTransport, EachAttemptIsThroughAllServers) {
  const Lookup lookup(with_servers(2), {});
  EXPECT_EQ(lookup.servers(), (std::vector{1, 2, 1, 2}));
  EXPECT_EQ(lookup.sockets()[1].limit, 5s);  // 5 s << 1, over two servers
  EXPECT_EQ(lookup.asked.error, HostError::try_again);
  EXPECT_FALSE(lookup.asked.refused) << "they were waited for";
}

TEST(ResolverTransport, ServersThatAllRefuseLeaveNothingWorthAsking) {
  const Lookup lookup(with_servers(2, 1), {{{Event::refused}}, {{Event::refused}}});
  EXPECT_EQ(lookup.servers(), (std::vector{1, 2}));
  EXPECT_TRUE(lookup.asked.refused);
}

TEST(ResolverTransport, WithRotateEveryServerIsAskedOnceAnAttempt) {
  auto configuration = with_servers(3, 1);
  configuration.rotate = true;
  auto servers = Lookup(configuration, {}).servers();
  std::ranges::sort(servers);
  EXPECT_EQ(servers, (std::vector{1, 2, 3}));
}

TEST(ResolverTransport, ATruncatedAnswerIsAskedForByStreamFromTheSameServer) {
  const Lookup lookup(with_servers(2), {{truncated(0)}, both_found});
  EXPECT_EQ(lookup.servers(), (std::vector{1, 1}));
  EXPECT_TRUE(lookup.sockets()[1].by_stream);
  EXPECT_EQ(lookup.sockets()[1].sent.size(), 2U);
  EXPECT_EQ(lookup.sockets()[1].limit, 30s);
  EXPECT_EQ(lookup.asked.error, HostError::none);
}

TEST(ResolverTransport, OfAStreamOnlyTheIdCounts) {
  const auto other_name = changed(both_found[0], [](Message& message) { message[header_size + 1] ^= 1; });
  const Lookup lookup(with_servers(1), {{truncated(0)}, {with_id(both_found[0], 1), other_name, both_found[1]}});
  EXPECT_EQ(lookup.asked.error, HostError::none);
  EXPECT_FALSE(lookup.answers().first.empty());
  EXPECT_FALSE(lookup.answers().second.empty());
}

TEST(ResolverTransport, AfterAStreamTheOtherServersAreAskedByStreamInOneAttempt) {
  const Lookup lookup(with_servers(2), {{truncated(1)}, {{Event::failed}}, {{Event::refused}}});
  EXPECT_EQ(lookup.servers(), (std::vector{1, 1, 2}));
  EXPECT_TRUE(lookup.sockets()[2].by_stream);
  EXPECT_TRUE(lookup.asked.refused);
}

TEST(ResolverTransport, AStreamThatTimesOutWasNotRefused) {
  const Lookup lookup(with_servers(2), {{truncated(1)}, {{Event::refused}}});
  EXPECT_EQ(lookup.servers(), (std::vector{1, 1, 2}));
  EXPECT_FALSE(lookup.asked.refused);
}

TEST(ResolverTransport, AResetConnectionIsTriedOnceMore) {
  const Lookup again(with_servers(1), {{truncated(0)}, {both_found[0], {Event::reset}}, both_found});
  EXPECT_EQ(again.asked.error, HostError::none);
  EXPECT_EQ(again.sockets()[2].sent.size(), 2U) << "both questions, although one was answered";
  const Lookup twice(with_servers(2), {{truncated(0)}, {{Event::reset}}, {{Event::reset}}, both_found});
  EXPECT_EQ(twice.servers(), (std::vector{1, 1, 1, 2}));
}

TEST(ResolverTransport, AQuestionWithoutAnAnswerIsAskedOnceMoreFromANewSocket) {
  const Lookup lookup(with_servers(2), {{both_found[0]}, {both_found[0]}});  // each the first question of its socket
  EXPECT_EQ(lookup.asked.error, HostError::none);
  EXPECT_EQ(lookup.servers(), (std::vector{1, 1}));
  ASSERT_EQ(lookup.sockets()[1].sent.size(), 1U);
  EXPECT_EQ(lookup.sockets()[1].sent[0], lookup.sockets()[0].sent[1]);
  EXPECT_FALSE(lookup.answers().second.empty());
  EXPECT_TRUE(must_ask_one_at_a_time());
}

TEST(ResolverTransport, AnAnswerForAAloneSufficesAfterTheSecondTimeout) {
  const Lookup lookup(with_servers(2), {{both_found[0]}});
  EXPECT_EQ(lookup.asked.error, HostError::none);
  EXPECT_EQ(lookup.servers(), (std::vector{1, 1}));
  EXPECT_TRUE(lookup.answers().second.empty());
}

TEST(ResolverTransport, WithoutASocketNothingElseIsAsked) {
  const Lookup lookup(with_servers(2), {{{Event::no_socket}}});
  EXPECT_EQ(lookup.servers(), std::vector{1});
  EXPECT_TRUE(lookup.asked.refused);
  EXPECT_FALSE(lookup.out_of_memory());
}

TEST(ResolverTransport, WithoutMemoryNothingElseIsAsked) {
  const Lookup lookup(with_servers(2), {{{Event::no_memory}}});
  EXPECT_EQ(lookup.servers(), std::vector{1});
  EXPECT_TRUE(lookup.asked.refused);
  EXPECT_TRUE(lookup.out_of_memory());
}

TEST(ResolverTransport, TheFirstAnswersCodeIsKeptForTheSearch) {
  const Lookup lookup(with_servers(1), {{answer(1, ResponseCode::nx_domain), answer(0, ResponseCode::nx_domain)}});
  EXPECT_EQ(lookup.asked.error, HostError::not_found);
  EXPECT_EQ(lookup.asked.first_code, ResponseCode::nx_domain);
}

TEST(ResolverTransport, ANameThatDoesNotFitIsNotAsked) {
  const Configuration configuration = with_servers(1);
  FakeChannel channel({});
  Transport<FakeChannel> transport(configuration, channel);
  EXPECT_EQ(transport.ask(std::string(64, 'a').c_str()).error, HostError::no_recovery);
  EXPECT_TRUE(channel.opened().empty());
}

}  // namespace
}  // namespace ctgate::resolver

// SPDX-License-Identifier: GPL-2.0-or-later
// The gate's decisions about sendmmsg(2).
#include <string>

#include "tests/support/gate_test.hh"

namespace ctgate::shim {
namespace {

class ShimGateMany : public GateTest {
 protected:
  struct Call {
    unsigned first;
    unsigned count;
    bool operator==(const Call&) const = default;
  };

  // Destinations by letter; '-' has no address.
  int send_many(const std::string& destinations, int flags = 0) {
    std::vector<sockaddr_in> names;
    for (const char letter : destinations) names.push_back(address("192.0.2.1", static_cast<std::uint16_t>(letter)));
    std::vector<mmsghdr> messages(destinations.size());
    for (std::size_t i = 0; i < messages.size(); ++i) {
      if (destinations[i] == '-') continue;
      messages[i].msg_hdr.msg_name = &names[i];
      messages[i].msg_hdr.msg_namelen = sizeof names[i];
    }
    calls.clear();
    return gate.send_many(fd, messages.data(), static_cast<unsigned>(messages.size()), flags,
                          [&](unsigned first, unsigned count) {
                            calls.push_back({first, count});
                            if (refused_from <= first) return -1;
                            if (count > 0) kernel.departs = kernel.now + verdict;
                            return static_cast<int>(std::min(count, refused_from - first));
                          });
  }

  std::vector<Call> calls;
  unsigned refused_from = ~0U;  // the kernel refuses this message and so all behind it
};

TEST_F(ShimGateMany, FirstGoesAloneAndTheRestFollowsTogether) {
  EXPECT_EQ(send_many("----"), 4);
  EXPECT_EQ(calls, (std::vector<Call>{{0, 1}, {1, 3}}));
  EXPECT_EQ(status.held, 1U);
}

TEST_F(ShimGateMany, ConfirmedFlowGoesInOneCall) {
  send_many("--");
  EXPECT_EQ(send_many("----"), 4);
  EXPECT_EQ(calls, (std::vector<Call>{{0, 4}}));
}

TEST_F(ShimGateMany, LeadersOfDifferentFlowsGoTogether) {
  EXPECT_EQ(send_many("abc"), 3);
  EXPECT_EQ(calls, (std::vector<Call>{{0, 3}}));
  EXPECT_EQ(kernel.pauses, 0);
  EXPECT_EQ(status.flows, 3U);
}

TEST_F(ShimGateMany, StopsBeforeEachFollowerOfAFlowThatHasNotDeparted) {
  EXPECT_EQ(send_many("abacabd"), 7);
  // "ab", then the first follower waits until the socket is empty, which is when a and b have departed.
  EXPECT_EQ(calls, (std::vector<Call>{{0, 2}, {2, 5}}));
  EXPECT_EQ(status.held, 1U);
}

TEST_F(ShimGateMany, NewFlowBehindAFollowerIsGatedToo) {
  EXPECT_EQ(send_many("aabb"), 4);
  EXPECT_EQ(calls, (std::vector<Call>{{0, 1}, {1, 2}, {3, 1}}));
  EXPECT_EQ(status.held, 2U);
}

TEST_F(ShimGateMany, WithoutAThirdPartyTheRestFollowsAtOnce) {
  verdict = 0;
  EXPECT_EQ(send_many("----"), 4);
  EXPECT_EQ(kernel.pauses, 0);
}

TEST_F(ShimGateMany, PartialResultIsTheSum) {
  refused_from = 2;
  EXPECT_EQ(send_many("----"), 2);
  EXPECT_EQ(calls, (std::vector<Call>{{0, 1}, {1, 3}}));
}

TEST_F(ShimGateMany, RefusalBehindTheLeaderIsNoError) {
  refused_from = 1;
  EXPECT_EQ(send_many("----"), 1);
}

TEST_F(ShimGateMany, RefusedLeaderIsTheKernelsErrorAndLeavesTheFlowNew) {
  refused_from = 0;
  EXPECT_EQ(send_many("----"), -1);
  EXPECT_EQ(calls.size(), 1U);
  refused_from = ~0U;
  EXPECT_EQ(send(), 0U);
  EXPECT_GT(send(), 0U);
}

TEST_F(ShimGateMany, LeaderThatWasNotSentStaysNew) {
  refused_from = 1;
  EXPECT_EQ(send_many("abc"), 1);
  refused_from = ~0U;
  EXPECT_EQ(send_many("bc"), 2);
  EXPECT_EQ(calls, (std::vector<Call>{{0, 2}}));
  EXPECT_EQ(status.flows, 3U);
}

TEST_F(ShimGateMany, NothingToSendIsOneCallOfNothing) {
  EXPECT_EQ(send_many(""), 0);
  EXPECT_EQ(calls, (std::vector<Call>{{0, 0}}));
}

TEST_F(ShimGateMany, NoMoreThanTheKernelTakesInOneCall) {
  EXPECT_EQ(send_many(std::string(1500, '-')), 1024);
}

TEST_F(ShimGateMany, ManyNewFlowsGoInFewCalls) {
  std::string letters;
  for (int i = 0; i < 200; ++i) letters += static_cast<char>(i + 46);
  EXPECT_EQ(send_many(letters), 200);
  EXPECT_EQ(status.flows, 200U);
  EXPECT_LE(calls.size(), 7U);
  EXPECT_EQ(kernel.pauses, 0);
}

TEST_F(ShimGateMany, PiecesOfACorkedDatagramPass) {
  EXPECT_EQ(send_many("--", MSG_MORE), 2);
  EXPECT_EQ(calls, (std::vector<Call>{{0, 2}}));
}

}  // namespace
}  // namespace ctgate::shim

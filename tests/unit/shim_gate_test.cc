// SPDX-License-Identifier: GPL-2.0-or-later
// The gate's decisions about one datagram.
#include "tests/support/gate_test.hh"

namespace ctgate::shim {
namespace {

using ShimGate = GateTest;

TEST_F(ShimGate, SecondDatagramWaitsUntilTheFirstHasDeparted) {
  EXPECT_EQ(send(), 0U);
  const auto waited = send();
  EXPECT_GE(waited, 5 * ms);
  EXPECT_LE(waited, 7 * ms);
  EXPECT_EQ(status.flows, 1U);
  EXPECT_EQ(status.held, 1U);
  EXPECT_EQ(status.held_us, waited);
  EXPECT_EQ(status.longest_us, waited);
  EXPECT_EQ(status.timed_out, 0U);
  EXPECT_EQ(kernel.held_for, std::vector<std::uint64_t>{waited});
}

TEST_F(ShimGate, ConfirmedFlowIsNotDelayedWhateverIsInTheStack) {
  send();
  send();
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(send(), 0U);
    pass_time(ms);
  }
  EXPECT_EQ(status.held, 1U);
}

TEST_F(ShimGate, ConfirmedFlowAsksTheKernelNothingMostOfTheTime) {
  send();
  send();
  kernel.questions = 0;
  for (int i = 0; i < 1000; ++i) send();
  EXPECT_EQ(kernel.questions, 0);
}

TEST_F(ShimGate, WithoutAThirdPartyNothingWaits) {
  verdict = 0;
  EXPECT_EQ(send(), 0U);
  EXPECT_EQ(send(), 0U);
  EXPECT_EQ(kernel.pauses, 0);
}

TEST_F(ShimGate, FlowIsNewAgainAfterItsLifetimeWithoutTraffic) {
  send();
  send();
  pass_time(FlowTable::lifetime * ms - 1 * ms);
  EXPECT_EQ(send(), 0U);
  pass_time(FlowTable::lifetime * ms - 1 * ms);  // kept by use
  EXPECT_EQ(send(), 0U);
  EXPECT_EQ(send(), 0U);
  pass_time(FlowTable::lifetime * ms);
  EXPECT_EQ(send(), 0U);  // a leader
  EXPECT_GT(send(), 0U);  // its follower
  EXPECT_EQ(status.flows, 2U);
}

TEST_F(ShimGate, WaitIsBounded) {
  verdict = 1000 * ms;
  send();
  const auto waited = send();
  EXPECT_GE(waited, 99 * ms);
  EXPECT_LE(waited, 101 * ms);
  EXPECT_EQ(status.timed_out, 1U);
  EXPECT_EQ(send(), 0U);  // and the next one does not wait again
}

TEST_F(ShimGate, WaitIsBoundedWhereSomebodyHasStoppedTheClock) {
  verdict = 1000 * ms;
  kernel.fine_clock_stands = true;
  send();
  EXPECT_LE(send(), 101 * ms);
}

// Of two threads one reads the clock, and the other leads a moment later.
TEST_F(ShimGate, ThreadThatReadTheClockBeforeTheLeaderWaitsToo) {
  pass_time(100 * ms);
  send();
  kernel.now -= 1 * ms;
  EXPECT_GE(send(), 6 * ms);
  EXPECT_EQ(status.flows, 1U);
  EXPECT_EQ(status.timed_out, 0U);
}

TEST_F(ShimGate, LeaderSentLongAgoIsTakenAsDeparted) {
  verdict = 1000 * ms;
  send();
  pass_time(100 * ms);
  EXPECT_EQ(send(), 0U);
}

TEST_F(ShimGate, DestinationsAreFlowsOfTheirOwn) {
  const auto first = address("192.0.2.1"), second = address("192.0.2.2"), third = address("192.0.2.2", 54);
  EXPECT_EQ(send_to(&first), 0U);
  EXPECT_EQ(send_to(&second), 0U);
  EXPECT_EQ(send_to(&third), 0U);
  EXPECT_GT(send_to(&first), 0U);
  // The socket was empty once, so the others' leaders have departed too.
  EXPECT_EQ(send_to(&second), 0U);
  EXPECT_EQ(send_to(&third), 0U);
}

TEST_F(ShimGate, BusySocketDoesNotWaitForLeadersThatWentBeforeItWasEmpty) {
  std::vector<sockaddr_in> peers;
  for (std::uint16_t i = 0; i < 100; ++i) peers.push_back(address("192.0.2.1", static_cast<std::uint16_t>(1000 + i)));
  for (const auto& peer : peers) send_to(&peer);
  pass_time(10 * ms);
  std::uint64_t waited = 0;
  for (const auto& peer : peers) waited += send_to(&peer);
  EXPECT_EQ(waited, 0U);  // empty when the first of them asked
}

TEST_F(ShimGate, ConnectedAndAddressedSendsToTheSamePeerAreOneFlow) {
  const auto peer = address("192.0.2.53");
  send();
  EXPECT_GT(send_to(&peer), 0U);
}

TEST_F(ShimGate, SocketsAreFlowsOfTheirOwn) {
  send(fd);
  EXPECT_EQ(send(fd + 1), 0U);
  EXPECT_EQ(status.flows, 2U);
}

TEST_F(ShimGate, TwoDescriptorsOfOneSocketAreOneFlow) {
  kernel.cookies[fd + 1] = kernel.cookies[fd];
  send(fd);
  EXPECT_GT(send(fd + 1), 0U);
}

TEST_F(ShimGate, NewSocketOfTheSameNumberIsNew) {
  send();
  send();
  kernel.cookies[fd] = 99;
  tables->descriptors.reset(fd, SocketKind::udp);
  EXPECT_EQ(send(), 0U);
  EXPECT_GT(send(), 0U);
}

TEST_F(ShimGate, SocketPutInPlaceByDup2IsNoticedSoon) {
  send();
  send();
  kernel.cookies[fd] = 99;
  pass_time(DescriptorTable::freshness * ms);
  EXPECT_EQ(send(), 0U);
  EXPECT_GT(send(), 0U);
}

TEST_F(ShimGate, OtherSocketsAndFilesPassAndAreNotAskedAbout) {
  tables->descriptors.reset(fd, SocketKind::other);
  send(fd);
  send(9);  // unknown: for example a pipe
  send(-1);
  send(1'000'000);
  EXPECT_EQ(kernel.questions, 0);
  EXPECT_EQ(status.flows, 0U);
}

TEST_F(ShimGate, UnknownDescriptorIsAskedAboutWhenTheCallNamesAnInternetAddress) {
  const auto peer = address("192.0.2.1");
  send_to(&peer, 9);
  EXPECT_GT(send_to(&peer, 9), 0U);
  kernel.udp = false;
  send_to(&peer, 10);
  EXPECT_EQ(send_to(&peer, 10), 0U);
  EXPECT_EQ(status.flows, 1U);
}

TEST_F(ShimGate, UdpDescriptorThatBecameAnotherSocketPasses) {
  send();
  kernel.cookies[fd] = 99;
  kernel.udp = false;
  pass_time(DescriptorTable::freshness * ms);
  send();
  send();
  EXPECT_EQ(status.flows, 1U);
  EXPECT_EQ(status.held, 0U);
}

TEST_F(ShimGate, UdpDescriptorThatBecameAFileIsAskedAboutOnce) {
  send();
  kernel.cookie_error = ENOTSOCK;
  pass_time(DescriptorTable::freshness * ms);
  kernel.questions = 0;
  for (int i = 0; i < 10; ++i) send();
  EXPECT_EQ(kernel.questions, 1);
}

TEST_F(ShimGate, LoopbackAndOtherExemptDestinationsPass) {
  for (const char* text : {"127.0.0.1", "127.8.9.1", "224.0.0.251", "255.255.255.255", "0.0.0.0"}) {
    const auto peer = address(text);
    send_to(&peer);
    EXPECT_EQ(send_to(&peer), 0U) << text;
  }
  EXPECT_EQ(status.flows, 0U);
}

TEST_F(ShimGate, FailedLeaderLeavesTheFlowNew) {
  EXPECT_EQ(send(fd, 0, -1), 0U);
  EXPECT_EQ(status.flows, 0U);
  EXPECT_EQ(send(), 0U);
  EXPECT_GT(send(), 0U);
}

TEST_F(ShimGate, UnconnectedSocketWithoutAddressPasses) {
  kernel.has_peer = false;
  EXPECT_EQ(send(fd, 0, -1), 0U);
  EXPECT_EQ(send(fd, 0, -1), 0U);
}

TEST_F(ShimGate, KernelThatRefusesTheQuestionsMeansPass) {
  kernel.outq_error = EPERM;
  send();
  EXPECT_EQ(send(), 0U);
  kernel.cookie_error = EPERM;
  tables->descriptors.reset(fd, SocketKind::udp);
  send();
  EXPECT_EQ(send(), 0U);
}

TEST_F(ShimGate, KernelWithoutCookiesGatesAllTheSame) {
  kernel.cookie_error = ENOPROTOOPT;
  EXPECT_EQ(send(), 0U);
  EXPECT_GT(send(), 0U);
  pass_time(DescriptorTable::freshness * ms);
  EXPECT_EQ(send(), 0U);  // still the same socket
  EXPECT_EQ(status.flows, 1U);
  tables->descriptors.reset(fd, SocketKind::udp);
  EXPECT_EQ(send(), 0U);
  EXPECT_GT(send(), 0U);
}

TEST_F(ShimGate, PiecesOfACorkedDatagramDoNotWaitForEachOther) {
  EXPECT_EQ(send(fd, MSG_MORE) + send(fd, MSG_MORE) + send(), 0U);
  EXPECT_EQ(status.flows, 1U);
}

TEST_F(ShimGate, DatagramBehindACorkedLeaderWaits) {
  send(fd, MSG_MORE);
  send();
  EXPECT_GE(send(), 5 * ms);
}

TEST_F(ShimGate, CorkedFollowerWaitsWhereItBegins) {
  send();
  EXPECT_GE(send(fd, MSG_MORE), 5 * ms);
  EXPECT_EQ(send(fd, MSG_MORE), 0U);
  EXPECT_EQ(send(), 0U);
}

TEST_F(ShimGate, SocketWithUdpCorkIsNotWaitedFor) {
  kernel.is_corked = true;
  verdict = 1000 * ms;
  send();
  EXPECT_EQ(send(), 0U);
}

TEST_F(ShimGate, ZeroCopyPasses) {
  send(fd, MSG_ZEROCOPY);
  EXPECT_EQ(send(fd, MSG_ZEROCOPY), 0U);
  EXPECT_EQ(status.flows, 0U);
}

TEST_F(ShimGate, SecondThreadWaitsWhileTheFirstSendsTheLeader) {
  const auto start = kernel.now;
  gate.send_one(fd, nullptr, 0, 0, [&] {
    // Inside the first thread's system call, the second one calls.
    kernel.thread = 8;
    kernel.during_pause = [&] { EXPECT_LE(kernel.now - start, 101 * ms); };
    send();
    EXPECT_GE(kernel.now - start, 99 * ms);  // the first never returned meanwhile: bounded
    return ssize_t{1};
  });
}

TEST_F(ShimGate, SignalHandlerThatInterruptsTheLeaderDoesNotWaitForItself) {
  gate.send_one(fd, nullptr, 0, 0, [&] {
    EXPECT_EQ(send(), 0U);
    return ssize_t{1};
  });
  EXPECT_EQ(kernel.pauses, 0);
}

TEST_F(ShimGate, LeaderAbandonedByACancelledThreadCostsOneWait) {
  struct Cancelled {};
  try {
    gate.send_one(fd, nullptr, 0, 0, []() -> ssize_t { throw Cancelled(); });
  } catch (const Cancelled&) {
  }
  kernel.thread = 8;
  EXPECT_LE(send(), 101 * ms);
  pass_time(FlowTable::lifetime * ms);
  EXPECT_EQ(send(), 0U);
}

TEST_F(ShimGate, PassRuleIsNotGated) {
  Policy policy;
  Rule dns;
  dns.name = "dns";
  dns.destination_ports = {{53, 53}};
  dns.action = ctgate::Action::pass;
  policy.rules.push_back(dns);
  use_policy(policy);
  send();
  EXPECT_EQ(send(), 0U);
  const auto other = address("192.0.2.53", 54);
  send_to(&other);
  EXPECT_GT(send_to(&other), 0U);
}

TEST_F(ShimGate, MaxWaitComesFromThePolicy) {
  Policy policy;
  policy.shim.max_wait = Milliseconds(20);
  use_policy(policy);
  verdict = 1000 * ms;
  send();
  const auto waited = send();
  EXPECT_GE(waited, 19 * ms);
  EXPECT_LE(waited, 21 * ms);
}

TEST_F(ShimGate, WaitForReplyEndsWithTheAnswer) {
  Policy policy;
  policy.shim.wait_for = ctgate::WaitFor::reply;
  use_policy(policy);
  kernel.reply = kernel.now + 30 * ms;
  send();
  EXPECT_EQ(kernel.replies_noted, 1);
  const auto waited = send();
  EXPECT_GE(waited, 30 * ms);
  EXPECT_LE(waited, 33 * ms);
}

TEST_F(ShimGate, WaitForDelayAlwaysTakesItsTime) {
  Policy policy;
  policy.shim.wait_for = ctgate::WaitFor::delay;
  policy.shim.max_wait = Milliseconds(20);
  use_policy(policy);
  verdict = 0;
  send();
  pass_time(5 * ms);
  const auto waited = send();
  EXPECT_GE(waited, 14 * ms);
  EXPECT_LE(waited, 16 * ms);
  EXPECT_EQ(status.timed_out, 0U);
}

}  // namespace
}  // namespace ctgate::shim

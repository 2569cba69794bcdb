// SPDX-License-Identifier: GPL-2.0-or-later
#include "shim/flow_table.hh"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <thread>
#include <vector>

namespace ctgate::shim {
namespace {

// Keys of one bucket, with tags of their own.
std::uint64_t key_of(std::uint64_t tag, std::uint64_t bucket = 5) {
  return tag << 42U | bucket;
}

class ShimFlowTable : public ::testing::Test {
 protected:
  void put(std::uint64_t key, FlowState state, std::uint32_t time) {
    auto handle = table->find(key, time);
    ASSERT_NE(handle.place, nullptr);
    ASSERT_TRUE(FlowTable::replace(handle, key, {state, 0, time}));
  }
  FlowState state(std::uint64_t key, std::uint32_t now) { return table->find(key, now).flow.state; }

  std::unique_ptr<FlowTable> table = std::make_unique<FlowTable>();
};

TEST_F(ShimFlowTable, KeepsWhatWasPut) {
  auto handle = table->find(key_of(1), 1000);
  EXPECT_EQ(handle.flow.state, FlowState::unknown);
  EXPECT_FALSE(handle.displaces);
  ASSERT_TRUE(FlowTable::replace(handle, key_of(1), {FlowState::leading, 0x3ff, 1000}));
  const auto found = table->find(key_of(1), 2000);
  EXPECT_EQ(found.flow.state, FlowState::leading);
  EXPECT_EQ(found.flow.owner, 0x3ff);
  EXPECT_EQ(found.flow.time, 1000U);
  EXPECT_EQ(state(key_of(2), 2000), FlowState::unknown);
}

TEST_F(ShimFlowTable, ReplaceFailsWhereSomebodyElseWasFaster) {
  auto one = table->find(key_of(1), 0), other = table->find(key_of(1), 0);
  EXPECT_TRUE(FlowTable::replace(one, key_of(1), {FlowState::leading, 1, 0}));
  EXPECT_FALSE(FlowTable::replace(other, key_of(1), {FlowState::leading, 2, 0}));
  FlowTable::erase(one);
  EXPECT_EQ(state(key_of(1), 0), FlowState::unknown);
}

TEST_F(ShimFlowTable, FlowExpires) {
  put(key_of(1), FlowState::confirmed, 1000);
  EXPECT_EQ(state(key_of(1), 1000 + FlowTable::lifetime - 1), FlowState::confirmed);
  EXPECT_EQ(state(key_of(1), 1000 + FlowTable::lifetime), FlowState::unknown);
}

TEST_F(ShimFlowTable, TimeWrapsAround) {
  const std::uint32_t before = 0x3fffff00U;
  put(key_of(1), FlowState::sent, before);
  EXPECT_EQ(state(key_of(1), (before + 1000) & 0x3fffffffU), FlowState::sent);
  EXPECT_EQ(state(key_of(1), before + FlowTable::lifetime), FlowState::unknown);
}

// Another thread read the clock later, and was faster here.
TEST_F(ShimFlowTable, FlowOfTheNextMomentIsKnown) {
  put(key_of(1), FlowState::leading, 1001);
  put(key_of(2), FlowState::sent, 1000 + 50'000);
  EXPECT_EQ(state(key_of(1), 1000), FlowState::leading);
  EXPECT_EQ(state(key_of(2), 1000), FlowState::sent);
  for (std::uint32_t tag = 3; tag <= FlowTable::ways; ++tag) put(key_of(tag), FlowState::leading, 1001);
  EXPECT_TRUE(table->find(key_of(100), 1000).displaces);
  EXPECT_EQ(state(key_of(1), 1000), FlowState::leading);
  EXPECT_EQ(age(1000, 1001), 0U);
  EXPECT_EQ(age(1, 0x3fffffff), 2U);
}

TEST_F(ShimFlowTable, MakesRoomByTheLeastNeededFlow) {
  for (std::uint32_t tag = 1; tag <= FlowTable::ways; ++tag) put(key_of(tag), FlowState::sent, 1000 + 10 * tag);
  put(key_of(3), FlowState::confirmed, 5000);
  put(key_of(4), FlowState::confirmed, 4000);
  EXPECT_TRUE(table->find(key_of(100), 6000).displaces);
  put(key_of(100), FlowState::leading, 6000);
  EXPECT_EQ(state(key_of(4), 6000), FlowState::unknown);  // the oldest confirmed one
  put(key_of(101), FlowState::leading, 6000);
  EXPECT_EQ(state(key_of(3), 6000), FlowState::unknown);
  put(key_of(102), FlowState::leading, 6000);
  EXPECT_EQ(state(key_of(1), 6000), FlowState::unknown);  // the oldest sent one
  EXPECT_EQ(state(key_of(2), 6000), FlowState::sent);
}

TEST_F(ShimFlowTable, ExpiredFlowsGoFirst) {
  for (std::uint32_t tag = 1; tag <= FlowTable::ways; ++tag) put(key_of(tag), FlowState::confirmed, 30'000);
  put(key_of(5), FlowState::leading, 100);
  const auto handle = table->find(key_of(100), 30'000);
  EXPECT_FALSE(handle.displaces);
  put(key_of(100), FlowState::sent, 30'000);
  EXPECT_EQ(state(key_of(4), 30'000), FlowState::confirmed);
}

TEST_F(ShimFlowTable, FlowsBeingSentStay) {
  for (std::uint32_t tag = 1; tag <= FlowTable::ways; ++tag) put(key_of(tag), FlowState::leading, 1000);
  EXPECT_EQ(table->find(key_of(100), 1001).place, nullptr);
  EXPECT_NE(table->find(key_of(100, 6), 1001).place, nullptr);
}

// Each round, all threads want to lead the same flows; each flow has one leader.
TEST_F(ShimFlowTable, EachFlowHasOneLeaderAmongThreads) {
  constexpr int flows = 2000;
  std::atomic<int> leaders{0};
  const auto lead_all = [&](std::uint16_t owner) {
    for (std::uint64_t i = 1; i <= flows; ++i) {
      const std::uint64_t key = i << 42U | i;
      auto handle = table->find(key, 1);
      if (handle.flow.state == FlowState::unknown && FlowTable::replace(handle, key, {FlowState::leading, owner, 1})) {
        ++leaders;
      }
    }
  };
  std::vector<std::thread> threads;
  for (std::uint16_t owner = 1; owner <= 4; ++owner) threads.emplace_back(lead_all, owner);
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(leaders, flows);
}

}  // namespace
}  // namespace ctgate::shim

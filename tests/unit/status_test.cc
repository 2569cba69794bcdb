// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/control/status.hh"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

namespace ctgate::control {
namespace {

using Json = nlohmann::json;

Status sample() {
  Status status;
  status.state = "running";
  status.version = "0.1.0";
  status.pid = 4711;
  status.backend = "nftables";
  status.policy = "/etc/ctgate/policy.toml";
  std::uint64_t next = 100;
  const auto number = [&](auto, Number& field) { field = next++; };
  ReportedCounters::for_each(number, status.counters);
  status.worker_restarts_total = 1;
  status.rules_restored_total = 2;
  status.reloads_total = 3;
  status.failed_reloads_total = 4;
  status.conntrack = {12, 65536, false, true};
  status.hold_time = {{50, 3}, {100, 0}, {std::nullopt, 1}};
  QueueStatus queue;
  queue.number = 5380;
  queue.release = "confirmed";
  queue.receive_buffer_bytes = 33554432;
  ReportedCounters::for_each(number, queue.counters);
  status.queues = {queue};
  return status;
}

TEST(StatusTest, ComesBackFromJsonAsItWas) {
  const auto text = to_json(sample());
  EXPECT_EQ(text.find('\n'), std::string::npos);
  const auto back = status_from_json(text);
  ASSERT_TRUE(back);
  EXPECT_EQ(to_json(*back), text);
  EXPECT_EQ(back->pid, 4711);
  EXPECT_EQ(back->counters.lookups, sample().counters.lookups);
  ASSERT_EQ(back->queues.size(), 1U);
  EXPECT_EQ(back->queues[0].worker_pid, std::nullopt);
  EXPECT_EQ(back->hold_time[2].le_us, std::nullopt);
  EXPECT_EQ(back->conntrack.table_full, false);
}

TEST(StatusTest, EveryFieldHasAKeyOfItsOwn) {
  const auto json = Json::parse(to_json(sample()));
  EXPECT_EQ(json.size(), 32U);
  EXPECT_EQ(json.at("queues").at(0).size(), 19U);
  EXPECT_FALSE(json.contains("counters")) << "counters are not nested";
  EXPECT_EQ(json.at("netns"), nullptr);
  EXPECT_EQ(json.at("held_total"), 103);
}

TEST(StatusTest, CountersHaveNoFieldThatTheListForgets) {
  std::set<const void*> fields;
  Counters counters;
  Counters::for_each([&](auto, const std::uint64_t& field) { fields.insert(&field); }, counters);
  EXPECT_EQ(fields.size() * sizeof(std::uint64_t), sizeof counters);
}

// A newer daemon: keys that this program does not know, and one that means something else now.
TEST(StatusTest, AnotherVersionIsUnderstoodAsFarAsPossible) {
  auto json = Json::parse(to_json(sample()));
  json["version"] = "9.9.9";
  json["ghosts_total"] = 5;
  json["policy"] = {{"path", "/etc/ctgate/policy.toml"}};
  json["held_total"] = -1;
  json.erase("lookups_total");
  json.erase("hold_time");
  json["queues"][0].erase("number");
  const auto status = status_from_json(json.dump());
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(status->version, "9.9.9");
  EXPECT_EQ(status->policy, std::nullopt);
  EXPECT_EQ(status->counters.held, std::nullopt);
  EXPECT_EQ(status->counters.promoted, sample().counters.promoted);

  const auto text = to_text(*status, "0.1.0");
  EXPECT_NE(text.find("ctgated 9.9.9 is running"), std::string::npos) << text;
  EXPECT_NE(text.find("this is ctgate 0.1.0"), std::string::npos) << text;
  EXPECT_NE(text.find("held           ?, released 104"), std::string::npos) << text;
  EXPECT_NE(text.find("? lookups"), std::string::npos) << text;
  EXPECT_NE(text.find("queue ? "), std::string::npos) << text;
}

TEST(StatusTest, SameVersionSaysNothingOfIt) {
  EXPECT_EQ(to_text(sample(), "0.1.0").find("this is ctgate"), std::string::npos);
}

TEST(StatusTest, WhatIsNoStatusIsAnError) {
  for (const char* text : {"", "{", "[]", "17", "HTTP/1.1 400 Bad Request"}) {
    const auto status = status_from_json(text);
    ASSERT_FALSE(status) << text;
    EXPECT_EQ(status.error().code, ExitCode::system);
  }
  const auto refused = status_from_json(R"({"error":"expected something else"})");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("expected something else"), std::string::npos);
}

TEST(StatusTest, PathsMayHoldAnyBytes) {
  auto status = sample();
  status.policy = "/tmp/\xff\xfe";
  ASSERT_TRUE(status_from_json(to_json(status)));
}

TEST(StatusTest, ProblemsAreNamed) {
  auto status = sample();
  status.conntrack = {65536, 65536, true, false};
  const auto text = to_text(status, "0.1.0");
  EXPECT_NE(text.find("conntrack table is full (65536 entries)"), std::string::npos) << text;
  EXPECT_NE(text.find("nf_conntrack_events is 0"), std::string::npos) << text;
}

}  // namespace
}  // namespace ctgate::control

// SPDX-License-Identifier: GPL-2.0-or-later
// The demo's report, and what it reads out of dnsmasq's log.
#include <gtest/gtest.h>

#include "daemon/lab/demo.hh"
#include "daemon/lab/resolver.hh"
#include "daemon/lab/table.hh"

namespace ctgate::lab {
namespace {

RunResult run(std::uint32_t lost, std::uint32_t split) {
  RunResult result;
  result.flows = 20;
  result.sent = 80;
  result.answered = 80 - lost;
  result.lost = lost;
  result.split_flows = split;
  result.held = 60;
  return result;
}

DemoReport report(const RunResult& with) {
  DemoReport result{.kernel = "6.18.0", .backend = "nftables", .scenarios = {}, .skipped = {}};
  result.scenarios.push_back({Scenario{.name = "late-answers", .summary = "late"}, run(60, 20), with});
  return result;
}

TEST(LabReport, IsCleanWhenEveryRunWithCtgatedIs) {
  EXPECT_TRUE(report(run(0, 0)).clean());
  EXPECT_FALSE(report(run(0, 1)).clean());
  EXPECT_FALSE(report(run(1, 0)).clean());
}

TEST(LabReport, JsonHasTheDocumentedKeys) {
  const auto json = report(run(0, 0)).to_json();
  EXPECT_EQ(json.at("kernel"), "6.18.0");
  EXPECT_EQ(json.at("backend"), "nftables");
  EXPECT_EQ(json.at("verdict"), "clean");
  const auto& scenario = json.at("scenarios").at(0);
  EXPECT_EQ(scenario.at("name"), "late-answers");
  for (const char* key :
       {"flows", "sent", "answered", "lost", "split_flows", "out_of_order_flows", "clash_resolve", "insert_failed"}) {
    EXPECT_TRUE(scenario.at("without").contains(key)) << key;
    EXPECT_TRUE(scenario.at("with").contains(key)) << key;
  }
  EXPECT_FALSE(scenario.at("without").contains("held"));
  EXPECT_EQ(scenario.at("with").at("held"), 60);
}

TEST(LabReport, VerdictSaysWhatIsBrokenAndWhere) {
  const auto text = report(run(0, 0)).verdict();
  EXPECT_NE(text.find("60 of 80 answers are lost (late-answers)"), std::string::npos) << text;
  EXPECT_NE(text.find("With ctgate nothing is lost"), std::string::npos) << text;
  EXPECT_NE(report(run(0, 3)).verdict().find("Even with ctgate there is damage"), std::string::npos);
}

TEST(LabReport, TableHasColoursOnlyWhenAsked) {
  EXPECT_EQ(render_table(report(run(0, 0)), {}).find('\x1b'), std::string::npos);
  EXPECT_NE(render_table(report(run(0, 0)), {.colours = true, .unicode = false}).find("\x1b[32mok"), std::string::npos);
}

TEST(LabReport, TableNamesWhatWasLeftOut) {
  auto partial = report(run(0, 0));
  partial.skipped.push_back({"resolver", "dnsmasq is not installed"});
  EXPECT_NE(render_table(partial, {}).find("skipped: dnsmasq is not installed"), std::string::npos);
}

TEST(LabDnsmasqLog, QuestionsAreReadWithTheirSource) {
  const auto questions = parse_questions(
      "dnsmasq: started, version 2.90 cachesize 150\n"
      "dnsmasq: 1 10.99.2.1/40001 query[A] name0.ctgate.test from 10.99.2.1\n"
      "dnsmasq: 1 10.99.2.1/40001 config name0.ctgate.test is 192.0.2.1\n"
      "dnsmasq: 2 10.99.2.1/40002 query[AAAA] name0.ctgate.test from 10.99.2.1\n");
  const std::vector<LoggedQuestion> expected{{"name0.ctgate.test", "A", "10.99.2.1/40001"},
                                             {"name0.ctgate.test", "AAAA", "10.99.2.1/40002"}};
  EXPECT_EQ(questions, expected);
}

TEST(LabDnsmasqLog, CutOffLinesAreSkipped) {
  EXPECT_TRUE(parse_questions("dnsmasq: 1 10.99.2.1/40001 query[A").empty());
  EXPECT_TRUE(parse_questions("").empty());
}

}  // namespace
}  // namespace ctgate::lab

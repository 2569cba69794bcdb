// SPDX-License-Identifier: GPL-2.0-or-later
#include "shim/resolver/search.hh"

#include <gtest/gtest.h>

#include <initializer_list>
#include <map>
#include <string>
#include <vector>

namespace ctgate::resolver {
namespace {

using Names = std::vector<std::string>;

constexpr Asked found{};
constexpr Asked missing{HostError::not_found, ResponseCode::nx_domain, false};
constexpr Asked no_data{HostError::no_data, ResponseCode::no_error, false};
constexpr Asked server_failure{HostError::try_again, ResponseCode::serv_fail, false};
constexpr Asked timed_out{HostError::try_again, ResponseCode::no_error, false};
constexpr Asked connection_refused{HostError::try_again, ResponseCode::no_error, true};
constexpr Asked no_recovery{HostError::no_recovery, ResponseCode::form_err, false};

// A server that knows `answers`; every other name is missing.
class Server {
 public:
  explicit Server(std::map<std::string, Asked> answers = {}) : answers_(std::move(answers)) {}

  HostError search_for(const char* name, std::initializer_list<const char*> domains, unsigned ndots = 1) {
    SearchList list;
    for (const char* domain : domains) list.domains[list.count++] = domain;
    list.ndots = ndots;
    return search(name, list, [this](const char* asked) {
      asked_.emplace_back(asked);
      const auto known = answers_.find(asked);
      return known == answers_.end() ? missing : known->second;
    });
  }
  [[nodiscard]] const Names& asked() const { return asked_; }

 private:
  std::map<std::string, Asked> answers_;
  Names asked_;
};

TEST(ResolverSearch, ANameWithoutDotsIsSearchedFirst) {
  Server server({{"host.two", found}});
  EXPECT_EQ(server.search_for("host", {"one", "two", "three"}), HostError::none);
  EXPECT_EQ(server.asked(), (Names{"host.one", "host.two"}));
}

TEST(ResolverSearch, WithNdotsDotsItIsAskedAsItIsFirst) {
  Server server({{"host.sub.one", found}});
  EXPECT_EQ(server.search_for("host.sub", {"one"}), HostError::none);
  EXPECT_EQ(server.asked(), (Names{"host.sub", "host.sub.one"}));
  Server more({{"host.sub.one", found}});
  EXPECT_EQ(more.search_for("host.sub", {"one"}, 2), HostError::none);
  EXPECT_EQ(more.asked(), Names{"host.sub.one"});
}

TEST(ResolverSearch, ATrailingDotEndsIt) {
  Server server;
  EXPECT_EQ(server.search_for("host.", {"one"}, 5), HostError::not_found);
  EXPECT_EQ(server.asked(), Names{"host."});
}

TEST(ResolverSearch, AtLastItIsAskedAsItIs) {
  Server server({{"host", found}});
  EXPECT_EQ(server.search_for("host", {"one"}), HostError::none);
  EXPECT_EQ(server.asked(), (Names{"host.one", "host"}));
  Server none;
  EXPECT_EQ(none.search_for("host", {}), HostError::not_found);
  EXPECT_EQ(none.asked(), Names{"host"});
}

TEST(ResolverSearch, TheRootOnTheListIsTheNameAsItIs) {
  Server server;
  EXPECT_EQ(server.search_for("host", {".", ".one"}), HostError::not_found);
  EXPECT_EQ(server.asked(), (Names{"host.", "host.one"}));
}

TEST(ResolverSearch, TheFirstAnswerDecidesIfNothingIsFound) {
  Server server({{"a.b", no_data}});
  EXPECT_EQ(server.search_for("a.b", {"one"}), HostError::no_data);
  Server failing({{"a.b", missing}, {"a.b.one", timed_out}});
  EXPECT_EQ(failing.search_for("a.b", {"one"}), HostError::not_found);
}

TEST(ResolverSearch, NoDataAndServerFailureGoOnAndAreRemembered) {
  Server data({{"a.one", no_data}});
  EXPECT_EQ(data.search_for("a", {"one", "two"}), HostError::no_data);
  EXPECT_EQ(data.asked(), (Names{"a.one", "a.two", "a"}));
  Server failure({{"a.one", server_failure}});
  EXPECT_EQ(failure.search_for("a", {"one", "two"}), HostError::try_again);
  EXPECT_EQ(failure.asked(), (Names{"a.one", "a.two", "a"}));
}

TEST(ResolverSearch, OtherErrorsEndTheListButNotTheNameAsItIs) {
  for (const Asked& error : {timed_out, no_recovery}) {
    Server server({{"a.one", error}, {"a", found}});
    EXPECT_EQ(server.search_for("a", {"one", "two"}), HostError::none);
    EXPECT_EQ(server.asked(), (Names{"a.one", "a"}));
  }
}

TEST(ResolverSearch, NoServerEndsItAll) {
  Server server({{"a.one", connection_refused}});
  EXPECT_EQ(server.search_for("a", {"one", "two"}), HostError::try_again);
  EXPECT_EQ(server.asked(), Names{"a.one"});
}

}  // namespace
}  // namespace ctgate::resolver

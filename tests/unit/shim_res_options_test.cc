// SPDX-License-Identifier: GPL-2.0-or-later
#include "shim/res_options.hh"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace ctgate::shim {
namespace {

using image::LibcOption;

// "(as it is)" where nothing is to be set.
std::string with_option(const char* existing, LibcOption option = LibcOption::single_request, std::size_t size = 100) {
  std::array<char, 100> buffer{};
  const char* value = add_libc_option(existing, option, buffer.data(), size);
  return value == nullptr ? "(as it is)" : value;
}

TEST(ShimResOptions, SetWhereThereIsNothing) {
  EXPECT_EQ(with_option(nullptr), "single-request");
  EXPECT_EQ(with_option(""), "single-request");
  EXPECT_EQ(with_option(nullptr, LibcOption::single_request_reopen), "single-request-reopen");
}

TEST(ShimResOptions, WhatIsThereStaysAndComesFirst) {
  EXPECT_EQ(with_option("ndots:2 rotate"), "ndots:2 rotate single-request");
}

TEST(ShimResOptions, NothingIsDoubled) {
  for (const char* value :
       {"single-request", "ndots:2 single-request", "single-request\trotate", " single-request ", "-single-request",
        "rotate -single-request-reopen", "single-request-reopen", "rotate single-request-reopen"}) {
    EXPECT_EQ(with_option(value), "(as it is)") << value;
    EXPECT_EQ(with_option(value, LibcOption::single_request_reopen), "(as it is)") << value;
  }
}

TEST(ShimResOptions, PartsOfWordsDoNotCount) {
  EXPECT_EQ(with_option("single-requests"), "single-requests single-request");
  EXPECT_EQ(with_option("no-single-request"), "no-single-request single-request");
}

TEST(ShimResOptions, TooLongIsLeftAlone) {
  EXPECT_EQ(with_option("rotate", LibcOption::single_request, 22), "rotate single-request");
  EXPECT_EQ(with_option("rotate", LibcOption::single_request, 21), "(as it is)");
}

}  // namespace
}  // namespace ctgate::shim

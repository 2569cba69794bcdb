// SPDX-License-Identifier: GPL-2.0-or-later
// Maps and counters of another process, which may be anything.
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <new>
#include <string>
#include <vector>

#include "daemon/ctgate/preload/process_status.hh"

namespace ctgate::preload {
namespace {

TEST(Mapping, OfAFile) {
  const auto mapping = parse_mapping("7f0000001000-7f0000003000 rw-p 00002000 fe:01 1234    /usr/lib/libctgate.so");
  ASSERT_TRUE(mapping);
  EXPECT_EQ(*mapping, (Mapping{0x7f0000001000, 0x7f0000003000, true, true, "/usr/lib/libctgate.so", false}));
}

TEST(Mapping, DeletedAnonymousAndWithSpaces) {
  EXPECT_TRUE(parse_mapping("1000-2000 r--p 0 00:00 0 /a/libctgate.so (deleted)")->deleted);
  EXPECT_EQ(parse_mapping("1000-2000 r--p 0 00:00 0 /a/libctgate.so (deleted)")->path, "/a/libctgate.so");
  EXPECT_EQ(parse_mapping("1000-2000 ---p 00000000 00:00 0 ")->path, "");
  EXPECT_EQ(parse_mapping("1000-2000 ---p 00000000 00:00 0")->path, "");
  EXPECT_EQ(parse_mapping("1000-2000 r-xp 00000000 00:00 5   /a b/c d")->path, "/a b/c d");
  EXPECT_FALSE(parse_mapping("1000-2000 r-xp 00000000 00:00 5 x")->writable);
}

TEST(Mapping, WhatIsNone) {
  for (const char* line :
       {"", "x", "1000", "1000-", "1000-2000", "1000-2000 ", "1000-2000 rw", "1000-2000 rw-p", "1000-2000 rw-p 0 0",
        "2000-1000 rw-p 0 0:0 0 x", "1000-1000 rw-p 0 0:0 0 x", "10000000000000000000-2 rw-p 0 0:0 0 x"}) {
    EXPECT_FALSE(parse_mapping(line)) << line;
  }
}

TEST(LibraryPath, ByItsName) {
  EXPECT_TRUE(is_library_path("/usr/lib/libctgate.so"));
  EXPECT_TRUE(is_library_path("/usr/lib/libctgate.so.0.1"));
  EXPECT_FALSE(is_library_path("/usr/lib/libctgate.sox"));
  EXPECT_FALSE(is_library_path("/usr/lib/xlibctgate.so"));
  EXPECT_FALSE(is_library_path("libctgate.so"));
  EXPECT_FALSE(is_library_path("/libctgate.so/x"));
  EXPECT_FALSE(is_library_path(""));
}

// A status at `offset` of otherwise empty memory.
std::vector<std::byte> memory_with(std::size_t offset, std::uint32_t version, std::uint32_t size) {
  std::vector<std::byte> memory(offset + sizeof(shim::Status) + 16);
  alignas(shim::Status) std::array<std::byte, sizeof(shim::Status)> bytes{};
  auto* status = new (bytes.data()) shim::Status{};
  std::memcpy(status->magic, shim::status_magic, sizeof shim::status_magic);
  status->version = version;
  status->size = size;
  status->mode = shim::Mode::active;
  status->policy = shim::PolicySource::state;
  status->held = 5;
  status->overflow = 9;
  std::memcpy(memory.data() + offset, bytes.data(), bytes.size());
  return memory;
}

TEST(Counters, AreFoundAtAnyMultipleOfEight) {
  for (const std::size_t offset : {0U, 8U, 64U, 4088U}) {
    const auto counters = find_counters(memory_with(offset, shim::status_version, sizeof(shim::Status)));
    ASSERT_TRUE(counters) << offset;
    EXPECT_EQ(counters->mode, 1U);
    EXPECT_EQ(counters->policy, 2U);
    EXPECT_EQ(counters->held, 5U);
    EXPECT_EQ(counters->overflow, 9U);
  }
  EXPECT_FALSE(find_counters(memory_with(4, shim::status_version, sizeof(shim::Status))));
}

TEST(Counters, OfAnotherVersionAreNotRead) {
  const auto counters = find_counters(memory_with(8, shim::status_version + 1, 8));
  ASSERT_TRUE(counters);
  EXPECT_FALSE(counters->known());
  EXPECT_EQ(counters->held, 0U);
}

TEST(Counters, CutOffOrOfAWrongSizeAreNone) {
  EXPECT_FALSE(find_counters(memory_with(0, shim::status_version, 12)));
  EXPECT_FALSE(find_counters({}));
  const auto whole = memory_with(0, shim::status_version, sizeof(shim::Status));
  EXPECT_FALSE(find_counters(std::span(whole).first(sizeof(shim::Status) - 1)));
}

TEST(ProcessStatus, OfThisProcess) {
  const auto status = read_process(::getpid());
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_FALSE(status->loaded);
  EXPECT_NE(status->why_not.find("started without `ctgate run`"), std::string::npos) << status->why_not;
}

TEST(ProcessStatus, OfNoProcess) {
  const auto status = read_process(0x7fffffff);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ExitCode::usage);
}

}  // namespace
}  // namespace ctgate::preload

// SPDX-License-Identifier: GPL-2.0-or-later
// `ctgate status` with a daemon that the test plays.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <thread>

#include "policy/base/file_descriptor.hh"
#include "tests/cli/command_test.hh"

namespace ctgate::test {
namespace {

class StatusCommand : public CommandTest {
 protected:
  // What the command says if whoever listens on the control socket answers with `answer`.
  [[nodiscard]] ProgramResult status(const std::string& answer, std::vector<std::string> options = {}) const {
    const FileDescriptor listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const auto path = (directory / "control.sock").string();
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    EXPECT_EQ(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listener.get(), 1), 0);
    std::thread daemon([&] {
      const FileDescriptor client(::accept(listener.get(), nullptr, nullptr));
      char request[256];
      EXPECT_GT(::read(client.get(), request, sizeof request), 0);
      EXPECT_EQ(::send(client.get(), answer.data(), answer.size(), MSG_NOSIGNAL), static_cast<ssize_t>(answer.size()));
    });
    options.insert(options.begin(), {"status", "--runtime-dir", directory.string()});
    auto result = run(options);
    daemon.join();
    return result;
  }
};

TEST_F(StatusCommand, AnotherVersionIsShownAsFarAsItIsUnderstood) {
  const auto result = status(R"({"state":"running","version":"9.9.9","pid":42,"held_total":{"udp":1},"new_key":[]})"
                             "\n");
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_TRUE(contains(result, "ctgated 9.9.9 is running (process 42")) << result.output;
  EXPECT_TRUE(contains(result, "this is ctgate " CTGATE_VERSION)) << result.output;
  EXPECT_TRUE(contains(result, "held           ?")) << result.output;
}

TEST_F(StatusCommand, JsonIsPassedOnAsItIs) {
  const std::string answer = R"({"version":"9.9.9","new_key":[1,2]})"
                             "\n";
  EXPECT_EQ(status(answer, {"--json"}).output, answer);
}

TEST_F(StatusCommand, WhatIsNoStatusIsNoInternalError) {
  for (const char* answer : {"\n", "hello\n",
                             R"({"error":"expected something else"})"
                             "\n"}) {
    for (const auto& options : {std::vector<std::string>{}, std::vector<std::string>{"--json"}}) {
      std::filesystem::remove(directory / "control.sock");
      const auto result = status(answer, options);
      EXPECT_EQ(result.exit_code, 3) << result.output;
      EXPECT_FALSE(contains(result, "internal error")) << result.output;
    }
  }
}

}  // namespace
}  // namespace ctgate::test

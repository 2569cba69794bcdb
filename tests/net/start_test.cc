// SPDX-License-Identifier: GPL-2.0-or-later
// Starts that must fail, with the documented exit code, a message that helps, and nothing left behind; and the command.
#include <fmt/format.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <filesystem>
#include <fstream>

#include "daemon/lab/sandbox.hh"
#include "policy/base/run_program.hh"
#include "tests/support/gateway_test.hh"

namespace ctgate::test {
namespace {

using namespace std::chrono_literals;

class Start : public GatewayTest {
 protected:
  // Runs ctgated, or the command beside it, to its end; exit code and all output.
  ProgramResult ctgated_with(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {program("ctgated"), "--runtime-dir", directory});
    return must(run_program(arguments));
  }
  ProgramResult ctgate_with(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), program("ctgate"));
    return gateway().run([&] { return must(run_program(arguments)); });
  }
  static std::string program(const char* name) { return must(lab::find_ctgated()).replace_filename(name); }
  std::string policy(const std::string& text) const {
    const std::string path = directory + "/policy.toml";
    std::ofstream(path) << text;
    return path;
  }
  [[nodiscard]] std::string rules() const { return must(gateway().nft("list ruleset\n")); }
  void expect(const ProgramResult& result, int code, std::string_view part) {
    EXPECT_EQ(result.exit_code, code) << result.output;
    EXPECT_NE(result.output.find(part), std::string::npos) << result.output;
    EXPECT_EQ(rules(), "") << "half-installed rules";
  }

  std::string directory = must(lab::make_scratch_directory());
};

TEST_F(Start, WithoutPrivilegesItSaysWhatIsMissing) {
  std::filesystem::permissions(directory, std::filesystem::perms::all);
  const auto result =
      must(run_program({"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all",
                        program("ctgated"), "--runtime-dir", directory, "--policy", "/dev/null"}));
  expect(result, 3, "CAP_NET_ADMIN is missing");
}

TEST_F(Start, NamedPolicyThatDoesNotExist) {
  expect(ctgated_with({"--netns", gateway().name(), "--policy", "/nonexistent/policy.toml"}), 2,
         "/nonexistent/policy.toml");
}

TEST_F(Start, PolicyThatCanNotBeRead) {
  expect(ctgated_with({"--netns", gateway().name(), "--policy", "/"}), 2, "Is a directory");
}

TEST_F(Start, WrongPolicyNamesEveryMistakeWithItsPlace) {
  const auto path = policy("[gate]\nmax_hodl = '1s'\n[[rule]]\nname = 'x'\naction = 'gat'\n");
  const auto result = ctgated_with({"--netns", gateway().name(), "--policy", path});
  expect(result, 2, path + ":2:1: ");
  EXPECT_NE(result.output.find("max_hold"), std::string::npos);
  EXPECT_NE(result.output.find(path + ":5:"), std::string::npos) << result.output;
}

TEST_F(Start, UnknownNamespace) {
  expect(ctgated_with({"--netns", "nosuch"}), 3, "/run/netns/nosuch");
}

// One descriptor more each time, so that each step of the start is the one that fails.
TEST_F(Start, WhateverStepLacksADescriptorNothingIsLeftBehind) {
  int failed_starts = 0;
  for (int limit = 6; limit < 64; ++limit) {
    const auto result = must(
        run_program({"timeout", "--signal=TERM", "1", "prlimit", fmt::format("--nofile={}", limit), program("ctgated"),
                     "--netns", gateway().name(), "--runtime-dir", directory, "--policy", "/dev/null"}));
    if (result.exit_code == 124) break;  // it ran until timeout(1) ended it
    ++failed_starts;
    SCOPED_TRACE(limit);
    expect(result, 3, "Too many open files");
  }
  EXPECT_GE(failed_starts, 8);
}

// sd-daemon(3); the policy's errors are several lines.
TEST_F(Start, LinesForTheJournalBeginWithTheirPriority) {
  const std::string script = fmt::format(
      "cd {} && : >log && echo 'version = 1' >policy.toml && export JOURNAL_STREAM=$(stat -c %d:%i log) && "
      "{{ timeout 20 {} --netns {} --runtime-dir . --policy policy.toml 2>>log & "
      "until {} status --runtime-dir . >/dev/null 2>&1; do sleep 0.02; done; "
      "printf 'a = 1\\nb = 1\\n' >policy.toml; kill -HUP $(cat control.sock.lock); "
      "until grep -q policy.toml:2:1 log; do sleep 0.02; done; kill $(cat control.sock.lock); wait; }}; cat log",
      directory, program("ctgated"), gateway().name(), program("ctgate"));
  const auto result = must(run_program({"sh", "-c", script}));
  EXPECT_TRUE(result.output.starts_with("<6>running: backend ")) << result.output;
  EXPECT_NE(result.output.find("\n<3>could not reload the policy"), std::string::npos) << result.output;
  EXPECT_NE(result.output.find("\n<3>policy.toml:2:1: "), std::string::npos) << result.output;
}

TEST_F(Start, WrongOption) {
  expect(ctgated_with({"--nosuch"}), 2, "--nosuch");
}

TEST_F(Start, TakenQueueNamesItsOwner) {
  const auto other = must(lab::DelayingConsumer::start(gateway(), {.queue = 5380}));
  const auto result = ctgated_with({"--netns", gateway().name(), "--policy", "/dev/null"});
  expect(result, 3, "queue 5380 is taken by \"net_tests\" (process ");
}

TEST_F(Start, SecondOneOnTheSameQueueNamesTheFirst) {
  start_ctgated();
  const auto before = rules();
  const auto result = ctgated_with({"--netns", gateway().name(), "--policy", "/dev/null"});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_NE(result.output.find(fmt::format("queue 5380 is taken by \"ctgated\" (process {})", ctgated->pid())),
            std::string::npos)
      << result.output;
  EXPECT_EQ(rules(), before);
}

TEST_F(Start, SecondOneInTheSameRuntimeDirectory) {
  start_ctgated();
  const auto result = must(run_program({program("ctgated"), "--netns", gateway().name(), "--policy", "/dev/null",
                                        "--runtime-dir", ctgated->runtime_directory().string()}));
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_NE(result.output.find("another ctgated (process "), std::string::npos) << result.output;
}

// A connection that is refused because the daemon is slow does not make its socket free.
TEST_F(Start, SecondOneBesideADaemonThatDoesNotAnswer) {
  must(gateway().set_sysctl("net/core/somaxconn", "1"));
  start_ctgated();
  kill(ctgated->pid(), SIGSTOP);
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  const auto path = (ctgated->runtime_directory() / "control.sock").string();
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  std::vector<FileDescriptor> clients;
  do {
    clients.emplace_back(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  } while (connect(clients.back().get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  const auto result =
      must(run_program({"timeout", "10", program("ctgated"), "--netns", gateway().name(), "--policy",
                        policy("[daemon]\nqueue = 7000\n"), "--runtime-dir", ctgated->runtime_directory().string()}));
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_NE(result.output.find(fmt::format("another ctgated (process {})", ctgated->pid())), std::string::npos)
      << result.output;
  // A command waits for its turn.
  const auto status =
      must(run_program({"sh", "-c",
                        fmt::format("{} status --json --runtime-dir {} & sleep 0.2; kill -CONT {}; wait $!",
                                    program("ctgate"), ctgated->runtime_directory().string(), ctgated->pid())}));
  EXPECT_EQ(status.exit_code, 0);
  EXPECT_NE(status.output.find(fmt::format("\"pid\":{}", ctgated->pid())), std::string::npos) << status.output;
}

TEST_F(Start, OfSeveralAtOnceOneRunsAndKeepsItsSocket) {
  const std::string script = fmt::format(
      "cd {}; for i in 1 2 3 4; do timeout 30 {} --netns {} --policy /dev/null --runtime-dir . 2>log$i & done; "
      "until [ $(cat log? | grep -c 'another ctgated') = 3 ] && {} status --json --runtime-dir .; do sleep 0.1; done; "
      "kill $(cat control.sock.lock); wait; cat log?",
      directory, program("ctgated"), gateway().name(), program("ctgate"));
  for (int round = 0; round < 5; ++round) {
    const auto result = must(run_program({"sh", "-c", script}));
    EXPECT_NE(result.output.find(R"("state":"running")"), std::string::npos) << result.output;
    std::size_t refused = 0;
    for (std::size_t at = 0; (at = result.output.find("another ctgated", at)) != std::string::npos; ++at) ++refused;
    EXPECT_EQ(refused, 3U) << result.output;
    EXPECT_FALSE(std::filesystem::exists(directory + "/control.sock"));
    EXPECT_FALSE(std::filesystem::exists(directory + "/control.sock.lock"));
  }
}

TEST_F(Start, QueueOfARepliedRuleThatIsTakenLeavesNothingBehind) {
  const auto other = must(lab::DelayingConsumer::start(gateway(), {.queue = 5381}));
  const auto path = policy("[default]\nrelease = 'replied'\n");
  expect(ctgated_with({"--netns", gateway().name(), "--policy", path}), 3, "queue 5381 is taken by");
}

TEST_F(Start, KeyThatDoesNothingAnyMoreIsAcceptedAndNoted) {
  expect(ctgated_with({"--check", "--netns", gateway().name(), "--policy", policy("[daemon]\nmark_bit = 9\n")}), 0,
         "policy.toml:2:12: daemon.mark_bit: does nothing any more; remove it");
}

TEST_F(Start, CleanupWithoutRightsFails) {
  const auto result = gateway().run([&] {
    return must(run_program({"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all",
                             program("ctgate"), "cleanup"}));
  });
  EXPECT_EQ(result.exit_code, 3) << result.output;
  EXPECT_NE(result.output.find("run as root"), std::string::npos) << result.output;
}

TEST_F(Start, CheckSaysWhoHasTheQueue) {
  const auto other = must(lab::DelayingConsumer::start(gateway(), {.queue = 5380}));
  const auto check = [&] { return ctgated_with({"--check", "--netns", gateway().name(), "--policy", "/dev/null"}); };
  const auto result = check();
  EXPECT_EQ(result.exit_code, 3) << result.output;
  EXPECT_NE(result.output.find("queue 5380 is taken by \"net_tests\" (process "), std::string::npos) << result.output;
}

TEST_F(Start, CheckBesideARunningDaemonIsFine) {
  start_ctgated();
  const auto result = ctgated_with({"--check", "--netns", gateway().name(), "--policy", "/dev/null"});
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_NE(result.output.find("policy ok, backend "), std::string::npos) << result.output;
}

TEST_F(Start, CheckChangesNothing) {
  expect(ctgated_with({"--check", "--netns", gateway().name(), "--policy", "/dev/null"}), 0, "policy ok, backend ");
}

TEST_F(Start, CheckDropsNothingThatAThirdPartyHolds) {
  nat(lab::nat::tracking_only(Family::ipv4));
  third_party({.delay = 300ms});
  const Endpoint destination{lab::Topology::addresses(Family::ipv4).backends[0], server_port};
  const UdpSocket receiver(server());
  receiver.bind(destination);
  const UdpSocket sender(client());
  sender.connect(destination);
  sender.send("x");
  ASSERT_TRUE(eventually([&] { return consumer->packets_seen() == 1; }));
  EXPECT_EQ(ctgated_with({"--check", "--netns", gateway().name(), "--policy", "/dev/null"}).exit_code, 0);
  EXPECT_EQ(receiver.receive(2s), "x");
}

TEST_F(Start, KeeperAndWorkerHaveNoRightButNetAdmin) {
  start_ctgated();
  const auto worker = must(ctgated->status()).at("queues").at(0).at("worker_pid").get<pid_t>();
  for (const pid_t pid : {ctgated->pid(), worker}) {
    std::ifstream file(fmt::format("/proc/{}/status", pid));
    int checked = 0;
    for (std::string line; std::getline(file, line);) {
      const bool may_have = line.starts_with("CapPrm") || line.starts_with("CapEff") || line.starts_with("CapBnd");
      if (may_have) {
        EXPECT_TRUE(line.ends_with("0000000000001000")) << line;  // 1 << CAP_NET_ADMIN
      }
      checked += may_have ? 1 : 0;
    }
    EXPECT_EQ(checked, 3);
  }
}

TEST_F(Start, StatusWithoutADaemonSaysWhatToDo) {
  expect(ctgate_with({"status", "--runtime-dir", directory}), 3, "ctgated is not running");
}

TEST_F(Start, StatusForPeopleAndAsJson) {
  start_ctgated();
  const auto runtime = ctgated->runtime_directory().string();
  const auto text = ctgate_with({"status", "--runtime-dir", runtime});
  EXPECT_EQ(text.exit_code, 0);
  EXPECT_NE(text.output.find("is running"), std::string::npos) << text.output;
  const auto json = nlohmann::json::parse(ctgate_with({"status", "--json", "--runtime-dir", runtime}).output);
  EXPECT_EQ(json.at("state"), "running");
  for (const char* key : {"backend", "held", "held_total", "released_total", "promoted_total", "overflow_total",
                          "queued_total", "unparsed_total", "events_total", "lookups_total", "event_overruns_total"}) {
    EXPECT_TRUE(json.contains(key)) << key;
  }
}

TEST_F(Start, ReloadCommandSaysWhatCameOfIt) {
  start_ctgated();
  const auto write = [&](const std::string& text) { std::ofstream(ctgated->policy_path()) << text; };
  const std::vector<std::string> command{"reload", "--runtime-dir", ctgated->runtime_directory().string()};
  write("[gate]\nmax_hold = '2s'\n");
  const auto good = ctgate_with(command);
  EXPECT_EQ(good.exit_code, 0) << good.output;
  EXPECT_EQ(good.output, "the policy is in force\n");
  EXPECT_EQ(counter("reloads_total"), 1U);
  write("[gate]\nmax_hold = '2h'\nmax_hodl = '1s'\n");
  const auto bad = ctgate_with(command);
  EXPECT_EQ(bad.exit_code, 2) << bad.output;
  EXPECT_NE(bad.output.find("policy.toml:2:12: gate.max_hold: "), std::string::npos) << bad.output;
  EXPECT_NE(bad.output.find("policy.toml:3:1: gate.max_hodl: "), std::string::npos) << bad.output;
  const auto status = ctgate_with({"status", "--runtime-dir", ctgated->runtime_directory().string()});
  EXPECT_EQ(status.exit_code, 1) << "something is wrong";
  EXPECT_NE(status.output.find("PROBLEM        the last reload failed: "), std::string::npos) << status.output;
  write("");
  EXPECT_EQ(ctgate_with(command).exit_code, 0);
  EXPECT_EQ(ctgate_with({"status", "--runtime-dir", ctgated->runtime_directory().string()}).exit_code, 0);
}

// All of them are answered, by fewer reloads.
TEST_F(Start, ReloadCommandsAtOnce) {
  start_ctgated();
  const std::string script = fmt::format(
      "cd {}; for i in 1 2 3 4 5 6 7 8; do {} reload --runtime-dir {} >>answers 2>&1 & done; wait; cat answers",
      directory, program("ctgate"), ctgated->runtime_directory().string());
  const auto result = must(run_program({"sh", "-c", script}));
  std::size_t answers = 0;
  for (std::size_t at = 0; (at = result.output.find("in force", at)) != std::string::npos; ++at) ++answers;
  EXPECT_EQ(answers, 8U) << result.output;
  EXPECT_LE(counter("reloads_total"), 8U);
}

TEST_F(Start, ReloadWithoutADaemon) {
  const auto result = ctgate_with({"reload", "--runtime-dir", directory});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_NE(result.output.find("ctgated is not running"), std::string::npos) << result.output;
}

TEST_F(Start, CleanupRemovesEverythingButNotUnderARunningDaemon) {
  start_ctgated();
  const auto runtime = ctgated->runtime_directory().string();
  const auto refused = ctgate_with({"cleanup", "--runtime-dir", runtime});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_NE(refused.output.find("stop it first"), std::string::npos) << refused.output;
  const auto before = rules();
  const auto elsewhere = ctgate_with({"cleanup", "--runtime-dir", directory});
  EXPECT_EQ(elsewhere.exit_code, 1) << "whatever the runtime directory is: " << elsewhere.output;
  EXPECT_NE(elsewhere.output.find("queue 5380 of this network namespace belongs to \"ctgated\" (process "),
            std::string::npos)
      << elsewhere.output;
  EXPECT_EQ(rules(), before);
  ctgated.reset();
  EXPECT_NE(rules(), "");
  const auto cleaned =
      must(run_program({program("ctgate"), "cleanup", "--runtime-dir", runtime, "--netns", gateway().name()}));
  EXPECT_EQ(cleaned.exit_code, 0) << cleaned.output;
  EXPECT_EQ(rules(), "");
  EXPECT_EQ(ctgate_with({"cleanup", "--runtime-dir", runtime}).output, "nothing to remove\n");
}

TEST_F(Start, PrintedNftablesRulesAreWhatIsInstalled) {
  const auto printed = ctgate_with({"rules", "print", "--backend", "nftables-xt", "--policy", "/dev/null"});
  ASSERT_EQ(printed.exit_code, 0) << printed.output;
  start_ctgated();
  const auto installed = rules();
  ctgated.reset();
  // Printed for a family without its queue chains' contents, which nft can't write.
  const std::string queues =
      "add table ip ctgate\nadd chain ip ctgate queue_5380\nadd table ip6 ctgate\n"
      "add chain ip6 ctgate queue_5380\n";
  must(gateway().nft(queues + printed.output));
  if (must(gateway().nft("list chain ip ctgate queue_5380\n")).find("NFQUEUE") == std::string::npos) return;
  EXPECT_EQ(rules(), installed);
}

}  // namespace
}  // namespace ctgate::test

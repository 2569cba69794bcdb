// SPDX-License-Identifier: GPL-2.0-or-later
// What a preload library costs a program that it has nothing to do for: ours compared with others from the distribution
// and with an empty one, which is what ld.so itself takes for any preload library.
#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>

#include "daemon/lab/sandbox.hh"
#include "policy/base/run_program.hh"
#include "tests/bench/bench.hh"

namespace ctgate::bench {
namespace {

struct Library {
  std::string name;
  std::string preload;                   // LD_PRELOAD; empty: none
  std::vector<std::string> environment;  // "NAME=value", so that it does nothing
};

std::vector<Library> installed_libraries(const std::filesystem::path& scratch) {
  const auto proxychains = scratch / "proxychains.conf";
  std::ofstream(proxychains) << "strict_chain\n[ProxyList]\nsocks5 127.0.0.1 9\n";
  const std::vector<Library> candidates = {
      {"socket_wrapper", "libsocket_wrapper.so", {}},
      {"torsocks", "torsocks/libtorsocks.so", {"TORSOCKS_ALLOW_OUTBOUND_LOCALHOST=2", "TORSOCKS_LOG_LEVEL=1"}},
      {"proxychains4",
       "libproxychains.so.4",
       {"PROXYCHAINS_CONF_FILE=" + proxychains.string(), "PROXYCHAINS_QUIET_MODE=1"}},
  };
  std::vector<Library> found = {
      {"none", "", {}}, {"an empty one", BENCH_EMPTY_LIBRARY, {}}, {"libctgate.so", CTGATE_LIBRARY, {}}};
  for (const auto& candidate : candidates) {
    bool here = false;
    for (const char* directory :
         {"/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"}) {
      const auto path = std::filesystem::path(directory) / candidate.preload;
      if (here || !std::filesystem::exists(path)) continue;
      found.push_back(candidate);
      found.back().preload = path;
      here = true;
    }
    if (!here) fmt::print("{} is not installed\n", candidate.name);
  }
  return found;
}

std::vector<std::string> environment_of(const Library& library, const std::string& behind = "") {
  std::vector<std::string> words = library.environment;
  words.emplace_back("PATH=/usr/sbin:/usr/bin:/sbin:/bin");
  const std::string preload = library.preload + (behind.empty() ? "" : ":" + behind);
  if (!preload.empty()) words.push_back("LD_PRELOAD=" + preload);
  return words;
}

// Runs a program to its end; its first number on stdout, or nothing if it failed.
std::optional<double> run_and_read(std::vector<std::string> argv, std::vector<std::string> environment, int output) {
  std::vector<char*> arguments, variables;
  for (auto& word : argv) arguments.push_back(word.data());
  for (auto& word : environment) variables.push_back(word.data());
  arguments.push_back(nullptr);
  variables.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t pid = 0;
  const int error = posix_spawn(&pid, argv[0].c_str(), &actions, nullptr, arguments.data(), variables.data());
  posix_spawn_file_actions_destroy(&actions);
  int status = 0;
  if (error != 0 || waitpid(pid, &status, 0) != pid || status != 0) return std::nullopt;
  std::array<char, 64> text{};
  return pread(output, text.data(), text.size() - 1, 0) > 0 ? std::atof(text.data()) : 0;
}

class Scratch {
 public:
  explicit Scratch(const std::filesystem::path& path) : fd_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {}
  [[nodiscard]] int empty() const {
    if (ftruncate(fd_.get(), 0) != 0) throw std::runtime_error("ftruncate");
    lseek(fd_.get(), 0, SEEK_SET);
    return fd_.get();
  }

 private:
  FileDescriptor fd_;
};

std::optional<double> measure(const std::string& what, const Library& library, const Scratch& scratch, bool quick) {
  if (what == "start") {
    const auto begin = std::chrono::steady_clock::now();
    if (!run_and_read({"/bin/true"}, environment_of(library), scratch.empty())) return std::nullopt;
    return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - begin).count();
  }
  const std::string count = quick ? "1000" : what == "hook" ? "1000000" : "5000";
  std::vector<std::string> argv{BENCH_PRELOAD_WORKER, what, count};
  if (what == "hook") argv.emplace_back(BENCH_NULL_LIBRARY);
  return run_and_read(argv, environment_of(library, what == "hook" ? BENCH_NULL_LIBRARY : ""), scratch.empty());
}

void compare(const std::string& title, const std::string& what, const std::vector<Library>& libraries,
             const Scratch& scratch, int rounds, bool quick) {
  std::vector<std::vector<double>> costs(libraries.size());
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < libraries.size(); ++i) {
      const std::size_t turn = (i + static_cast<std::size_t>(round)) % libraries.size();
      if (const auto cost = measure(what, libraries[turn], scratch, quick)) costs[turn].push_back(*cost);
    }
  }
  fmt::print("\n{}, medians of {}\n", title, rounds);
  const double bare = quantile(costs[0]);
  for (std::size_t i = 0; i < libraries.size(); ++i) {
    if (costs[i].empty()) {
      fmt::print("  {:<16} does not run\n", libraries[i].name);
    } else if (what == "hook") {
      fmt::print("  {:<16} {:>9.1f} ns\n", libraries[i].name, quantile(costs[i]));
    } else {
      fmt::print("  {:<16} {:>9.0f} ns  {:.3f}\n", libraries[i].name, quantile(costs[i]), quantile(costs[i]) / bare);
    }
  }
}

void preload(bool quick) {
  const auto place = must(lab::NetworkNamespace::create("bench"));
  const auto made = must(run_program({"ip", "-n", place.name(), "-batch", "-"},
                                     {.input = "link set lo up\nroute add local 10.0.0.0/8 dev lo\n"}));
  if (made.exit_code != 0) throw std::runtime_error(made.output);
  const auto directory = must(lab::make_scratch_directory());
  const auto libraries = installed_libraries(directory);
  const Scratch scratch(directory / "output");
  place.run([&] {
    compare("hook alone, sendto on a confirmed flow", "hook", libraries, scratch, quick ? 1 : 9, quick);
    compare("sendto on a confirmed flow", "sendto", libraries, scratch, quick ? 1 : 200, quick);
    compare("send on a confirmed connected flow", "send", libraries, scratch, quick ? 1 : 200, quick);
    compare("sendto to a new destination", "new", libraries, scratch, quick ? 1 : 200, quick);
    compare("start of /bin/true", "start", libraries, scratch, quick ? 2 : 1000, quick);
  });
}

}  // namespace
}  // namespace ctgate::bench

int main(int argc, char** argv) {
  return ctgate::bench::run(argc, argv, ctgate::bench::preload);
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/support/shim_test.hh"

#include <sys/mman.h>

#include <stdexcept>

namespace ctgate::test {
namespace {

class Scratch {
 public:
  explicit Scratch(const char* name) : fd_(memfd_create(name, MFD_CLOEXEC)) {}
  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] std::string text() const { return lab::read_all(fd_.get()); }

 private:
  lab::FileDescriptor fd_;
};

}  // namespace

const std::string& ShimTest::library() {
  static const std::string path = CTGATE_LIBRARY;
  return path;
}

std::string ShimTest::service(Family family) {
  return lab::Topology::addresses(family).service.to_string();
}

void ShimTest::set_up_delayed_output(Family family, std::chrono::microseconds delay) {
  serve({.family = family, .port = server_port});
  nat(lab::nat::dnat_to_backends(family, true));
  third_party({.delay = delay}, {.hook = lab::ThirdPartyRule::Hook::output});
  clashes_before_ = clashes();
}

RunResult ShimTest::run(const std::vector<std::string>& argv, const RunOptions& options) {
  const Scratch output("stdout"), errors("stderr");
  std::vector<std::string> command{"env"};
  if (options.preload) command.push_back("LD_PRELOAD=" + library());
  command.insert(command.end(), options.environment.begin(), options.environment.end());
  command.insert(command.end(), argv.begin(), argv.end());
  auto process = must(lab::Process::start(
      {.argv = command, .network_namespace = gateway().fd(), .output = output.fd(), .errors = errors.fd()}));
  const auto status = process.wait(options.patience);
  if (!status) throw std::runtime_error(argv.front() + " hangs; it printed: " + output.text() + errors.text());
  return {*status, output.text(), errors.text()};
}

Damage ShimTest::take_damage() {
  const auto now = clashes();
  const Damage damage{now - clashes_before_, lab::summarize(servers->arrivals())};
  clashes_before_ = now;
  servers->clear();
  return damage;
}

long ShimTest::value(const RunResult& result, const std::string& key) {
  const auto at = result.output.find(key + "=");
  if (at == std::string::npos) throw std::runtime_error("no " + key + " in: " + result.output + result.errors);
  return std::stol(result.output.substr(at + key.size() + 1));
}

}  // namespace ctgate::test

// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/base/run_program.hh"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "policy/base/file_descriptor.hh"
#include "policy/base/io.hh"
#include "policy/base/process.hh"

namespace ctgate {
namespace {

constexpr std::size_t most_of_a_limited_one = std::size_t{64} * 1024;  // bytes kept of each output

// With SIGCHLD ignored, which execve(2) hands down, the kernel forgets how a child ended.
class ChildrenAreRemembered {
 public:
  ChildrenAreRemembered() {
    ::sigaction(SIGCHLD, nullptr, &before_);
    forgotten_ = before_.sa_handler == SIG_IGN || (before_.sa_flags & SA_NOCLDWAIT) != 0;
    if (forgotten_) ::signal(SIGCHLD, SIG_DFL);
  }
  ~ChildrenAreRemembered() {
    if (forgotten_) ::sigaction(SIGCHLD, &before_, nullptr);
  }
  ChildrenAreRemembered(const ChildrenAreRemembered&) = delete;
  ChildrenAreRemembered& operator=(const ChildrenAreRemembered&) = delete;
  ChildrenAreRemembered(ChildrenAreRemembered&&) = delete;
  ChildrenAreRemembered& operator=(ChildrenAreRemembered&&) = delete;

 private:
  struct sigaction before_ {};
  bool forgotten_ = false;
};

// In memory, so that a program that reads late or writes much can't block.
FileDescriptor memory_file(std::string_view content = {}) {
  FileDescriptor file(::memfd_create("ctgate", MFD_CLOEXEC));
  if (!file || !write_whole(file.get(), content) || ::lseek(file.get(), 0, SEEK_SET) != 0) return {};
  return file;
}

}  // namespace

Expected<ProgramResult> run_program(const std::vector<std::string>& argv, const ProgramOptions& options) {
  const FileDescriptor input = memory_file(options.input);
  const FileDescriptor output = memory_file();
  const FileDescriptor errors = memory_file();
  if (!input || !output || !errors) return errno_error("make a file in memory", errno);
  const ChildrenAreRemembered remembered;
  auto process = Process::start({.argv = argv,
                                 .environment = options.environment,
                                 .input = input.get(),
                                 .output = output.get(),
                                 .errors = options.errors_apart ? errors.get() : output.get(),
                                 .own_group = options.limit.has_value(),
                                 .dies_with_parent = false});
  if (!process) return tl::unexpected(process.error());
  ProgramResult result;
  if (options.limit) {
    result.timed_out = !process->wait(*options.limit);
    process->kill();
  }
  result.exit_code = process->wait();
  const std::size_t most = options.limit ? most_of_a_limited_one : std::string::npos;
  result.output = content_of(output.get(), most);
  result.errors = content_of(errors.get(), most);
  return result;
}

std::vector<std::string> plain_environment() {
  std::vector<std::string> result;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    const std::string_view text(*variable);
    if (!text.starts_with("LD_") && !text.starts_with("CTGATE_")) result.emplace_back(text);
  }
  return result;
}

}  // namespace ctgate

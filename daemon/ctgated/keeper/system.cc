// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/ctgated/keeper/system.hh"

#include <cap-ng.h>
#include <fmt/format.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>

#ifdef CTGATE_HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

namespace ctgate::daemon {

Expected<void> require_net_admin() {
  if (capng_get_caps_process() != 0) return system_error("cannot read the capabilities of this process");
  if (capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_ADMIN) != 0) return {};
  return system_error("CAP_NET_ADMIN is missing; run as root, or give the service AmbientCapabilities=CAP_NET_ADMIN");
}

Expected<void> drop_privileges(bool for_iptables) {
  // The bounding set can be narrowed only with CAP_SETPCAP; without it there is nothing above CAP_NET_ADMIN to lose.
  if (capng_get_caps_process() != 0) return system_error("cannot read the capabilities of this process");
  if (for_iptables && capng_have_capability(CAPNG_PERMITTED, CAP_NET_RAW) == 0) {
    return system_error(
        "CAP_NET_RAW is missing, which backend iptables needs in addition to CAP_NET_ADMIN; give the service "
        "AmbientCapabilities=CAP_NET_ADMIN CAP_NET_RAW");
  }
  const bool may_narrow = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP) != 0;
  const auto both = static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED);
  const auto all = static_cast<capng_type_t>(both | CAPNG_BOUNDING_SET);
  capng_clear(may_narrow ? CAPNG_SELECT_ALL : static_cast<capng_select_t>(CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT));
  capng_update(CAPNG_ADD, may_narrow ? all : both, CAP_NET_ADMIN);
  if (for_iptables) {
    // Programs that a user other than root starts have what is ambient.
    const auto inherited = static_cast<capng_type_t>(CAPNG_INHERITABLE | CAPNG_AMBIENT);
    capng_update(CAPNG_ADD, may_narrow ? all : both, CAP_NET_RAW);
    capng_updatev(CAPNG_ADD, inherited, CAP_NET_ADMIN, CAP_NET_RAW, -1);
  }
  if (capng_apply(may_narrow ? CAPNG_SELECT_ALL
                             : static_cast<capng_select_t>(CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT)) != 0) {
    return errno_error("give up capabilities", errno);
  }
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno_error("set no_new_privs", errno);
  return {};
}

std::optional<long> read_sysctl(std::string_view name) {
  std::string path(name);
  std::replace(path.begin(), path.end(), '.', '/');
  std::ifstream file("/proc/sys/" + path);
  long value = 0;
  if (!(file >> value)) return std::nullopt;
  return value;
}

namespace {

bool stderr_is_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat status {};
  if (stream == nullptr || fstat(STDERR_FILENO, &status) != 0) return false;
  return fmt::format("{}:{}", status.st_dev, status.st_ino) == stream;
}

// The message with its priority in front of each line, as sd-daemon(3) has it.
class JournalLines final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& out) override {
    const std::string prefix = fmt::format("<{}>", priority(message.level));
    std::string text(message.payload.begin(), message.payload.end());
    for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 1 + prefix.size()) {
      text.insert(at + 1, prefix);
    }
    text.insert(0, prefix);
    out.append(text.data(), text.data() + text.size());
  }
  [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
    return spdlog::details::make_unique<JournalLines>();
  }

 private:
  static int priority(spdlog::level::level_enum level) {
    switch (level) {
      case spdlog::level::critical:
        return LOG_CRIT;
      case spdlog::level::err:
        return LOG_ERR;
      case spdlog::level::warn:
        return LOG_WARNING;
      case spdlog::level::info:
        return LOG_INFO;
      default:
        return LOG_DEBUG;
    }
  }
};

}  // namespace

void set_up_log(bool debug) {
  auto logger = std::make_shared<spdlog::logger>("ctgated", std::make_shared<spdlog::sinks::stderr_sink_st>());
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  if (stderr_is_journal()) {
    formatter->add_flag<JournalLines>('*').set_pattern("%*");
  } else {
    formatter->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z ctgated[%P] %l: %v");
  }
  logger->set_formatter(std::move(formatter));
  logger->set_level(debug ? spdlog::level::debug : spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
}

void notify_service_manager([[maybe_unused]] const std::string& state) {
#ifdef CTGATE_HAVE_SYSTEMD
  sd_notify(0, state.c_str());
#endif
}

std::optional<std::chrono::microseconds> watchdog_interval() {
#ifdef CTGATE_HAVE_SYSTEMD
  std::uint64_t microseconds = 0;
  if (sd_watchdog_enabled(0, &microseconds) > 0) return std::chrono::microseconds(microseconds);
#endif
  return std::nullopt;
}

}  // namespace ctgate::daemon

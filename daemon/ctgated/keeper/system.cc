// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/ctgated/keeper/system.hh"

#include <cap-ng.h>
#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>

#ifdef CTGATE_HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#ifndef SD_JOURNAL_SUPPRESS_LOCATION
#define SD_JOURNAL_SUPPRESS_LOCATION
#endif
#include <spdlog/sinks/systemd_sink.h>
#endif

namespace ctgate::daemon {

Expected<void> require_net_admin() {
  if (capng_get_caps_process() != 0) return system_error("the capabilities of this process cannot be read");
  if (capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_ADMIN) != 0) return {};
  return system_error("CAP_NET_ADMIN is missing; run as root, or give the service AmbientCapabilities=CAP_NET_ADMIN");
}

Expected<void> drop_privileges(bool for_iptables) {
  // The bounding set can be narrowed only with CAP_SETPCAP; without it there is nothing above CAP_NET_ADMIN to lose.
  if (capng_get_caps_process() != 0) return system_error("the capabilities of this process cannot be read");
  if (for_iptables && capng_have_capability(CAPNG_PERMITTED, CAP_NET_RAW) == 0) {
    return system_error(
        "CAP_NET_RAW is missing, which backend iptables needs beside CAP_NET_ADMIN; give the service both as its "
        "AmbientCapabilities=");
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

#ifdef CTGATE_HAVE_SYSTEMD
bool stderr_is_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat status {};
  if (stream == nullptr || fstat(STDERR_FILENO, &status) != 0) return false;
  return fmt::format("{}:{}", status.st_dev, status.st_ino) == stream;
}
#endif

}  // namespace

void set_up_log(bool debug) {
  std::shared_ptr<spdlog::logger> logger;
#ifdef CTGATE_HAVE_SYSTEMD
  if (stderr_is_journal()) {
    logger = std::make_shared<spdlog::logger>("ctgated", std::make_shared<spdlog::sinks::systemd_sink_st>("ctgated"));
    logger->set_pattern("%v");
  }
#endif
  if (!logger) {
    logger = std::make_shared<spdlog::logger>("ctgated", std::make_shared<spdlog::sinks::stderr_sink_st>());
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z ctgated[%P] %l: %v");
  }
  logger->set_level(debug ? spdlog::level::debug : spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
}

void notify_service_manager([[maybe_unused]] const std::string& state) {
#ifdef CTGATE_HAVE_SYSTEMD
  sd_notify(0, state.c_str());
#endif
}

}  // namespace ctgate::daemon

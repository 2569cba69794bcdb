# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Steps of ./machine: installation, the service, the reboot, the upgrade.

# Installed means: there, and without any effect.
install() {
  apt install ./debs/*.deb || wrong "apt-get install failed"
  systemctl is-active -q ctgated && wrong "ctgated runs after the installation"
  systemctl is-enabled -q ctgated && wrong "ctgated is enabled after the installation"
  nft list tables | grep -q ctgate && wrong "the installation left rules"
  [[ -e /etc/ld.so.preload ]] && wrong "the installation wrote /etc/ld.so.preload"
  ctgate policy check || wrong "the default policy is not valid"
  [[ -z $(systemctl --failed --plain --no-legend) ]] || wrong "failed units: $(systemctl --failed --plain --no-legend)"
  figures "ctgate $(package_version ctgate), nothing runs"
}

scenario() {
  local damage pid user
  damage=$(cat damage)
  bursts without
  [[ $damage == any || $(field split without) -gt 0 ]] || wrong "no damage without ctgated: $(cat without)"
  systemctl enable ctgated || wrong "systemctl enable ctgated failed"
  systemctl start ctgated || wrong "systemctl start ctgated failed: $(systemctl status --no-pager ctgated | tail -n 5)"
  pid=$(ctgated_pid)
  user=$(ps -o user= -p "$pid")
  [[ $user == ctgate ]] || wrong "ctgated runs as $user"
  grep -qx 'CapEff:[[:space:]]*0000000000001000' "/proc/$pid/status" ||
    wrong "ctgated has other rights than CAP_NET_ADMIN: $(grep CapEff "/proc/$pid/status")"
  clean_bursts with
  figures "without: $(field split without) split $(field lost without) lost"
}

# What the units do besides: a reload, also of a bad policy; an instance in a network namespace; the library in one
# service, by the example of the package.
units() {
  local policy=/etc/ctgate/policy.toml pid
  pid=$(ctgated_pid)
  systemctl reload ctgated || wrong "systemctl reload ctgated failed"
  cp $policy policy.kept && echo 'nonsense = 1' >>$policy
  systemctl reload ctgated && wrong "a reload of a bad policy did not fail"
  cat policy.kept >$policy
  journalctl -b -q --no-pager -u ctgated | grep 'policy.toml:[0-9]*:[0-9]*: default.nonsense' >/dev/null ||
    wrong "the journal does not have the error in the policy"
  [[ $(ctgated_pid) == "$pid" ]] && systemctl is-active -q ctgated || wrong "ctgated did not outlive a bad policy"

  systemctl start ctgated@spare || wrong "systemctl start ctgated@spare failed"
  ctgate status --runtime-dir /run/ctgated@spare || wrong "ctgated@spare does not answer"
  spare_has_rules || wrong "ctgated@spare has no rules in its namespace"
  systemctl stop ctgated@spare && ctgate cleanup --netns spare --runtime-dir /run/ctgated@spare ||
    wrong "ctgated@spare cannot be stopped and cleaned up"
  spare_has_rules && wrong "ctgated@spare left rules"

  mkdir /etc/systemd/system/cron.service.d &&
    cp /usr/share/doc/ctgate/examples/preload-one-service.conf /etc/systemd/system/cron.service.d/ctgate.conf &&
    systemctl daemon-reload && systemctl restart cron || wrong "cron does not start with the library"
  ctgate shim status "$(systemctl show -P MainPID cron)" || wrong "cron does not have the library"
  rm -r /etc/systemd/system/cron.service.d && systemctl daemon-reload && systemctl restart cron ||
    wrong "cron does not start without the library"
  figures "reload, a bad policy refused, ctgated@spare, cron with the library"
}

after_reboot() {
  [[ $(systemctl is-active ctgated) == active ]] || wrong "ctgated is $(systemctl is-active ctgated) after the reboot"
  [[ -z $(systemctl --failed --plain --no-legend) ]] || wrong "failed units: $(systemctl --failed --plain --no-legend)"
  nft list tables | grep -q ctgate || wrong "there are no rules after the reboot"
  clean_bursts after_reboot
  figures "ctgated active $(($(active_since) / 1000)) s after the kernel's start"
}

# For removal_steps.sh, too.
spare_has_rules() { ip netns exec spare nft list tables | grep -q ctgate; }
spare_pid() { systemctl show -P MainPID ctgated@spare; }

# Bursts of new flows and an established one all the time. An instance in a namespace goes through it, too.
upgrade() {
  local load old old_spare name
  systemctl enable --now ctgated@spare || wrong "systemctl enable --now ctgated@spare failed"
  old=$(ctgated_pid) old_spare=$(spare_pid)
  setsid ./package_traffic load >load.out 2>>errors </dev/null &
  load=$!
  wait_for 60 grep -q ready load.out || wrong "the load did not start"
  apt install ./newer/*.deb || wrong "apt-get install of the higher version failed"
  dpkg --compare-versions "$(package_version ctgate)" eq "$(dpkg-deb -f newer/ctgate_*.deb Version)" ||
    wrong "the version is still $(package_version ctgate)"
  wait_for 30 systemctl is-active -q ctgated || wrong "ctgated is $(systemctl is-active ctgated) after the upgrade"
  [[ $(ctgated_pid) != "$old" ]] || wrong "the upgrade did not restart ctgated"
  wait_for 30 systemctl is-active -q ctgated@spare && [[ $(spare_pid) != "$old_spare" ]] ||
    wrong "the upgrade did not restart ctgated@spare"
  [[ $(readlink "/proc/$(ctgated_pid)/exe") == /usr/sbin/ctgated ]] || wrong "the old ctgated still runs"
  kill -TERM "$load"
  wait "$load" || wrong "the load ended with $?"
  tail -n 1 load.out >load.json && cat load.json
  for name in lost established_lost; do
    [[ $(field $name load.json) == 0 ]] || wrong "during the upgrade: $(cat load.json)"
  done
  splits_are_of_the_restart
  clean_bursts after_upgrade
  figures "to $(package_version ctgate) under load: $(field flows load.json) new flows, $(field sent load.json)" \
    "datagrams, $(field established load.json) on an established one, 0 lost, $(field split load.json) split in the" \
    "$(($(active_since) - $(inactive_since))) ms of the restart, when there are no rules"
}

# In ms of CLOCK_MONOTONIC: when the last stop of the service began, and when its last start was complete.
inactive_since() { echo $(($(systemctl show -P ActiveExitTimestampMonotonic ctgated) / 1000)); }
active_since() { echo $(($(systemctl show -P ActiveEnterTimestampMonotonic ctgated) / 1000)); }

# While ctgated is not there the kernel does what it does without it. Before and after nothing may be split.
splits_are_of_the_restart() {
  (($(field split load.json) == 0)) && return
  (($(field first_split_end load.json) >= $(inactive_since))) || wrong "flows were split before the restart: $(cat load.json)"
  (($(field last_split_start load.json) <= $(active_since))) || wrong "flows were split after the restart: $(cat load.json)"
}

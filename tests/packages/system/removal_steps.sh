# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Steps of ./machine: the packages go, and the system is as it was.

# take_snapshot NAME: what must be the same before the installation and after the purge.
take_snapshot() {
  mkdir -p "$1"
  take_effects "$1"
  # Names of files; what logs, caches, package management and logins keep is theirs.
  find / -xdev \( -path /home -o -path /root -o -path /tmp -o -path /var/tmp -o -path /var/log -o -path /var/cache \
    -o -path /var/backups -o -path /var/lib/apt -o -path /var/lib/dpkg -o -path /var/lib/sudo \
    -o -path /var/lib/systemd/random-seed -o -path /var/lib/systemd/timers \) -prune -o ! -path '/etc/*-' -print |
    sort >"$1/files"
  # The lab of package_traffic names its namespaces so.
  find /run -path /run/netns -prune -o -name '*ctgate*' -print | sort >"$1/run"
  find /etc -xdev -type f ! -name ld.so.cache ! -name '*-' ! -name '*shadow' ! -name passwd ! -name group \
    -exec sha256sum {} + | sort -k 2 >"$1/contents"
  # The account of the service may stay, as is the custom: another one must never get its number.
  sort /etc/passwd /etc/group | grep -v '^ctgate:' >"$1/accounts"
  systemctl list-unit-files --no-legend --no-pager --plain | sort >"$1/units"
}

# The part that is to be as before after the removal already.
take_effects() {
  nft -s list ruleset >"$1/ruleset"
  if [[ -e /etc/ld.so.preload ]]; then cat /etc/ld.so.preload; else echo absent; fi >"$1/preload"
  systemctl list-units --no-legend --no-pager --plain --type=service --state=running | cut -d ' ' -f 1 |
    grep -v '^user@' | sort >"$1/services"
}

# as_before FILE...: of the snapshot `before` against `after`.
as_before() {
  local file
  for file in "$@"; do
    diff -u "before/$file" "after/$file" ||
      wrong "$file: $(diff "before/$file" "after/$file" | grep '^[<>]' | head -n 3 | paste -sd ' ')"
  done
}

our_packages() {
  local deb
  for deb in debs/*.deb; do dpkg-deb -f "$deb" Package; done
}

# With the service and an instance running and the library enabled.
remove() {
  local packages
  mapfile -t packages < <(our_packages)
  [[ -s /etc/ld.so.preload ]] || wrong "the library is not enabled before the removal"
  apt remove "${packages[@]}" || wrong "apt-get remove failed"
  pgrep -x ctgated && wrong "ctgated runs after the removal"
  spare_has_rules && wrong "the removal left rules in the namespace of an instance"
  [[ -e /etc/ctgate/policy.toml ]] || wrong "the removal took the configuration"
  mkdir -p after && take_effects after
  as_before ruleset preload services
  kill -0 "$(cat chat.pid)" || wrong "the user's program is gone"
  rm -f /etc/cron.d/probe
  logins_work "after the removal"
  figures "ruleset, ld.so.preload and services as before"
}

purge() {
  local packages
  mapfile -t packages < <(our_packages)
  apt purge "${packages[@]}" || wrong "apt-get purge failed"
  user_program_is_well
  take_snapshot after
  as_before ruleset preload services files run contents accounts units
  figures "$(wc -l <after/files) files and everything else as before"
}

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The deb packages come, change and go: see --help.
set -u
subject=lifecycle
# shellcheck source=SCRIPTDIR/support.sh
. "$(dirname "${BASH_SOURCE[0]}")/support.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/lifecycle" && pwd)

usage() {
  cat <<'HELP'
usage: tests/packages/lifecycle.sh [--debs DIR --newer DIR] [--keep DIR]

Installs, upgrades, removes and purges the deb packages in a scratch root, which is this machine's own file system below
an overlay in memory, and looks above all at what becomes of /etc/ld.so.preload. Without a service manager; that is for
system.sh. Needs root on a Debian system that has what the packages depend on.
  --debs DIR   these packages instead of building them
  --newer DIR  and these of a higher version
  --keep DIR   leave packages and logs there
Exit codes: 0 all passed, 1 one failed, 2 usage, 77 nothing could run.
HELP
}

# What dpkg would miss in the scratch root; it has the host's packages.
missing_dependencies() {
  local deb
  for deb in "$(package libctgate)" "$(package ctgate)"; do
    dpkg-deb -f "$deb" Depends
  done | tr ',' '\n' | sed 's/^ *//; /^libctgate /d; /^$/d' | while read -r alternatives; do
    dpkg-checkbuilddeps -d "$alternatives" /dev/null >/dev/null 2>&1 || echo "$alternatives"
  done
}

parse_options "$@"
[[ $(id -u) == 0 ]] || skip_all "needs root, for a scratch root"
command -v dpkg-deb >/dev/null || skip_all "is about Debian"
get_packages
missing=$(missing_dependencies | paste -sd ' ')
[[ -z $missing ]] || skip_all "this system has not what the packages depend on: $missing"

unshare --mount --net --pid --fork --kill-child --mount-proc "$here/inside" "$work" "$(package libctgate)" \
  "$(package ctgate)" "$(package libctgate "$newer")" "$(package ctgate "$newer")" "$source_root/build" \
  2>"$work/lifecycle.log"
status=$?
[[ $status == 0 ]] || { tail -n 40 "$work/lifecycle.log" >&2; failed=1; }
exit "$failed"

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What is in the deb packages: see --help.
set -u
subject=deb
# shellcheck source=SCRIPTDIR/support.sh
. "$(dirname "${BASH_SOURCE[0]}")/support.sh"

usage() {
  cat <<'HELP'
usage: tests/packages/deb.sh [--debs DIR --newer DIR] [--keep DIR]

Looks at the deb packages: builds them once more in another directory and under other circumstances (the same bytes),
lintian, files, control fields, hardening, and how far the service is confined. Any user.
  --debs DIR   these packages instead of building them
  --newer DIR  and these of a higher version
  --keep DIR   leave packages and logs there
Exit codes: 0 all passed, 1 one failed, 2 usage, 77 nothing could run.
HELP
}

# The same sources elsewhere, all compiled again, with another umask, time zone, language and home.
reproducible() {
  local deb count=0
  mkdir "$work/again"
  if ! (umask 002 && export CCACHE_DISABLE=1 TZ=Pacific/Kiritimati LC_ALL=C HOME=/nonexistent &&
    build_deb --output "$work/again" --work "$work/elsewhere/with-a-longer-name"); then
    wrong "the second build failed"
  fi
  for deb in "$debs"/*.deb; do
    if ! cmp -s "$deb" "$work/again/${deb##*/}"; then
      diff <(dpkg-deb --ctrl-tarfile "$deb" | tar -tv) <(dpkg-deb --ctrl-tarfile "$work/again/${deb##*/}" | tar -tv) >&2
      diff <(dpkg-deb -c "$deb") <(dpkg-deb -c "$work/again/${deb##*/}") >&2
      wrong "${deb##*/} has other bytes"
    fi
    count=$((count + 1))
  done
  rm -rf "$work/elsewhere"
  echo "$count packages byte for byte"
}

clean_for_lintian() {
  local said options=()
  command -v lintian >/dev/null || wrong "there is no lintian"
  [[ $(id -u) != 0 ]] || options=(--allow-root)
  said=$(lintian "${options[@]}" --profile debian --display-info --pedantic --display-experimental --show-overrides \
    --fail-on none "$debs"/*.changes 2>&1) || wrong "lintian failed: $(tail -n 1 <<<"$said")"
  echo "$said" >&2
  ! grep -E '^[EW]:' <<<"$said" || wrong "$(grep -m 1 -E '^[EW]:' <<<"$said")"
  # It says so of each override: without any it did not look at these packages.
  grep -q '^O: ctgate: ' <<<"$said" || wrong "lintian did not speak of ctgate"
  echo "no error and no warning, $(grep -c '^O:' <<<"$said") overridden"
}

# list NAME: files and links of a package.
list() { dpkg-deb -c "$(package "$1")" | awk '!/^d/ { sub(/^\./, "", $6); print $6 }' | sort; }

contents() {
  local libdir file found unit_dir=lib
  libdir=/usr/lib/$(dpkg-architecture -q DEB_HOST_MULTIARCH)
  found=$(list ctgate)
  ! grep -q '^/usr/lib/systemd/system' <<<"$found" || unit_dir=usr/lib
  for file in /usr/bin/ctgate /usr/sbin/ctgated /etc/ctgate/policy.toml "/$unit_dir"/systemd/system/ctgated{,@}.service \
    /usr/lib/{sysusers,tmpfiles}.d/ctgate.conf /usr/share/man/man{1/ctgate.1,5/ctgate-policy.5,8/ctgated.8}.gz \
    /usr/share/bash-completion/completions/ctgate{,d} /usr/share/zsh/vendor-completions/_ctgate \
    /usr/share/fish/vendor_completions.d/ctgate{,d}.fish /usr/share/doc/ctgate/copyright \
    /usr/share/doc/ctgate/examples/{preload-one-service,iptables-backend,modules-load,sysctl}.conf; do
    grep -qxF "$file" <<<"$found" || wrong "ctgate lacks $file"
  done
  for file in "$libdir"/libctgate{,-resolver}.so /usr/share/man/man7/libctgate.7.gz /usr/share/doc/libctgate/copyright; do
    list libctgate | grep -xF "$file" >/dev/null || wrong "libctgate lacks $file"
  done
  file=$(cat <(list ctgate) <(list libctgate) | grep -m 1 -vE \
    "^/(etc/ctgate|usr/s?bin|$unit_dir/systemd/system|usr/lib/(sysusers|tmpfiles).d|usr/share|${libdir#/})/") &&
    wrong "$file is out of place"
  for file in ctgate libctgate; do
    ! dpkg-deb -c "$(package "$file")" | grep -v ' root/root ' | tee /dev/stderr | grep -q . || wrong "not root's, in $file"
  done
  # The debugging symbols of every program and library.
  [[ $(list ctgate-dbgsym | grep -c '/[.]build-id/') == 2 ]] || wrong "ctgate-dbgsym is not about two programs"
  [[ $(list libctgate-dbgsym | grep -c '/[.]build-id/') == 2 ]] || wrong "libctgate-dbgsym is not about two libraries"
  echo "ctgate $(wc -l <<<"$found") files, libctgate $(list libctgate | wc -l)"
}

field() { dpkg-deb -f "$(package "$1")" "$2"; }

# Everything in the control archive, and what must not be there.
control() {
  local name script scripts=0
  mkdir "$work/control"
  for name in ctgate libctgate; do
    dpkg-deb -e "$(package "$name")" "$work/control/$name" || wrong "$name has no control archive"
    for script in "$work/control/$name"/{pre,post}{inst,rm}; do
      [[ -e $script ]] || continue
      sh -n "$script" || wrong "$script is no shell script"
      ! grep -E '#(DEB|ENV)[A-Z_.]*#' "$script" >&2 || wrong "$script has a token that nobody replaced"
      scripts=$((scripts + 1))
    done
    [[ ! -e $work/control/$name/triggers ]] || wrong "$name has triggers: $(cat "$work/control/$name/triggers")"
  done
  [[ $(cat "$work/control/ctgate/conffiles") == /etc/ctgate/policy.toml ]] || wrong "other conffiles than the policy"
  [[ ! -e $work/control/libctgate/conffiles ]] || wrong "libctgate has conffiles"
  [[ $(field ctgate Maintainer)$(field ctgate Homepage) == *'<'*'>https://'* ]] || wrong "nobody publishes these packages"
  [[ $(field libctgate Multi-Arch) == same ]] || wrong "libctgate is not Multi-Arch: same"
  [[ $(field ctgate Depends) == *"libctgate (= $(field ctgate Version))"* ]] || wrong "ctgate goes with any libctgate"
  # Every process can load it, so it must drag nothing along: libc, and c-ares for the resolver part.
  ! field libctgate Depends | tr ',' '\n' | grep -vE '^ ?(libc6(\.1)?|libc-?ares2(t64)?)( |$)' >&2 ||
    wrong "libctgate depends on $(field libctgate Depends)"
  dpkg --compare-versions "$(dpkg-deb -f "$(package ctgate "$newer")" Version)" gt "$(field ctgate Version)" ||
    wrong "$newer does not hold a higher version"
  echo "$scripts maintainer scripts, 1 conffile, no triggers"
}

hardened() {
  local name file count=0
  for name in ctgate libctgate; do
    dpkg-deb -x "$(package "$name")" "$work/extracted" || wrong "can't extract $name"
  done
  for file in "$work"/extracted/usr/{s,}bin/* "$work"/extracted/usr/lib/*/*.so; do
    readelf -hW "$file" | grep 'Type: *DYN' >/dev/null || wrong "${file##*/} is not position independent"
    readelf -dW "$file" | grep -E 'BIND_NOW|Flags:.* NOW' >/dev/null || wrong "${file##*/} binds lazily"
    readelf -lW "$file" | grep GNU_RELRO >/dev/null || wrong "${file##*/} has no RELRO segment"
    readelf -lW "$file" | grep GNU_STACK | grep -q 'RW ' || wrong "${file##*/} has an executable stack"
    ! readelf -dW "$file" | grep -E 'R(UN)?PATH' >&2 || wrong "${file##*/} has a run path"
    ! grep -aF "$source_root" "$file" >&2 || wrong "${file##*/} names the directory of its build"
    count=$((count + 1))
  done
  echo "$count files"
}

# After hardened: what the documents name beside them is there.
documents() {
  local directory=$work/extracted/usr/share/doc/ctgate name count=0
  while read -r name; do
    [[ -e $directory/$name ]] || wrong "a document in /usr/share/doc/ctgate links to $name, which is not there"
    count=$((count + 1))
  done < <(grep -ohE '\]\([^):#]+[)#]' "$directory"/*.md | tr -d '](#)' | sort -u)
  [[ $count -gt 5 ]] || wrong "only $count links"
  echo "$count links"
}

# After hardened: the units as they are installed. Exposure in tenths: 20 is 2.0.
confined() {
  local unit said
  for unit in "$work"/extracted/{usr/,}lib/systemd/system/*.service; do
    [[ -e $unit ]] || continue
    said=$(systemd-analyze security --no-pager --offline=yes --threshold=20 "$unit" 2>&1) || {
      echo "$said" >&2
      wrong "${unit##*/}: $(tail -n 1 <<<"$said")"
    }
    grep -o '[^ ]*: [0-9.]* ' <<<"$(tail -n 1 <<<"$said")"
    cp "$unit" "$work/$(basename "${unit/@/@example}")"
  done
  # Unknown directives and the like; the programs and manual pages are not installed here.
  said=$(systemd-analyze verify "$work"/ctgated.service "$work"/ctgated@example.service 2>&1 |
    grep -vE "is not executable: No such file|Command 'man ")
  ! grep -E 'ctgated(@example)?[.]service' <<<"$said" >&2 || wrong "$(grep -m 1 ctgated <<<"$said")"
}

parse_options "$@"
get_packages
if command -v dpkg-buildpackage >/dev/null; then check reproducible reproducible; fi
check lintian clean_for_lintian
check contents contents
check control control
check hardening hardened
check documents documents
if systemd-analyze security --help 2>/dev/null | grep -q -- --offline; then
  check confinement confined
else
  echo "SKIP $subject confinement: this systemd-analyze can't look at files"
fi
exit "$failed"

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The rpm packages: see --help.
set -u
PATH=$PATH:/usr/sbin:/sbin
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source_root=$(cd "$here/../.." && pwd)

usage() {
  cat <<'HELP'
usage: tests/packages/rpm.sh [--packages DIR] [--keep DIR]

Builds the rpm packages, twice the binary ones (a second release without compiling again), looks at them (rpmlint, list
of files, requirements), and installs, upgrades and removes them in a scratch root: this machine's own file system below
an overlay in memory. Prints a line `PASS rpm: NAME FIGURES` or `FAIL rpm: NAME REASON` for each.
  --packages DIR  those that an earlier run left there, by --keep, instead of a build
  --keep DIR      leave packages and logs there
Exit codes: 0 all passed, 1 one failed, 2 usage, 77 nothing could run.
HELP
}

keep="" packages=""
while (($#)); do
  case $1 in
    --keep | --packages)
      (($# > 1)) || { usage >&2; exit 2; }
      declare "${1#--}=$2"
      shift
      ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done

skip_all() {
  echo "SKIP rpm $*"
  exit 77
}

[[ $(id -u) == 0 ]] || skip_all "needs root, for a scratch root"
for program in rpmbuild rpm rpmlint find-debuginfo eu-strip scdoc unshare; do
  command -v "$program" >/dev/null ||
    skip_all "there is no $program (Debian: rpm, rpmlint, debugedit, elfutils, scdoc; Fedora: rpm-build instead of rpm)"
done

work=$(mktemp -d)
# shellcheck disable=SC2317 # called by the trap
leave() {
  if [[ -n $keep ]]; then mkdir -p "$keep" && cp -r "$work"/out "$work"/newer "$work"/*.log "$keep/"; fi
  rm -rf "$work"
}
trap leave EXIT
trap 'exit 130' INT TERM HUP
failed=0

# check NAME COMMAND...: its output is the figures, or says what is wrong, in the last line.
check() {
  local name=$1 said start=$SECONDS
  shift
  if said=$("$@" 2>"$work/$name.log"); then
    echo "PASS rpm: $name $said, $((SECONDS - start)) s"
    return
  fi
  failed=1
  cat "$work/$name.log" >&2
  echo "FAIL rpm: $name $(tail -n 1 <<<"$said")"
  return 1
}

build() {
  "$source_root/packaging/build-rpm" --no-check --topdir "$work/top" --output "$work/out" >&2 ||
    { echo "packaging/build-rpm failed"; return 1; }
  # The same once more as release 2, installed and packed from what was compiled. rpmbuild then marks the packages as not
  # for use; --nodeps overlooks that.
  local version stage options=()
  version=$(rpm -qp --qf '%{version}' "$work"/out/ctgate-[0-9]*.src.rpm) || return
  [[ -e /usr/lib/rpm/macros.d/macros.systemd ]] || options=(--nodeps --load "$source_root/packaging/rpm/macros.fedora")
  for stage in -bi -bb; do
    rpmbuild $stage --short-circuit --noclean --define "_topdir $work/top" --define "ctgate_version $version" \
      --define "ctgate_release 2" --without check "${options[@]}" "$source_root/packaging/rpm/ctgate.spec" >&2 \
      </dev/null || { echo "the second release can't be built"; return 1; }
  done
  mkdir "$work/newer" && find "$work/top/RPMS" -name '*-2*.rpm' -exec mv -t "$work/newer" {} + || return
  find "$work/out" -name '*.rpm' -printf '%f\n' | sort | paste -sd ' '
}

# package NAME: its file, of the first release.
package() { echo "$work/out/$1"-[0-9]*."$(uname -m)".rpm; }

lint() {
  local said
  said=$(rpmlint -r "$source_root/packaging/rpm/ctgate.rpmlintrc" "$work"/out/*.rpm \
    "$source_root/packaging/rpm/ctgate.spec" 2>&1)
  echo "$said" >&2
  if ! grep -q ' 0 errors, 0 warnings' <<<"$said"; then
    grep -m 1 -E ': [EW]: ' <<<"$said"
    return 1
  fi
  echo "no error and no warning"
}

# What has to be where, and nothing outside the usual places. %docdir and build ids have names of their own.
contents() {
  local file found
  found=$(rpm -qlp "$(package ctgate)" "$(package libctgate)")
  for file in /usr/bin/ctgate /usr/sbin/ctgated /usr/lib64/libctgate.so /usr/lib64/libctgate-resolver.so \
    /etc/ctgate/policy.toml /usr/lib/systemd/system/ctgated{,@}.service /usr/lib/sysusers.d/ctgate.conf \
    /usr/lib/tmpfiles.d/ctgate.conf /usr/share/man/man1/ctgate.1.gz /usr/share/man/man8/ctgated.8.gz \
    /usr/share/man/man5/ctgate-policy.5.gz /usr/share/man/man7/libctgate.7.gz \
    /usr/share/bash-completion/completions/ctgate{,d} /usr/share/zsh/site-functions/_ctgate \
    /usr/share/fish/vendor_completions.d/ctgate{,d}.fish; do
    grep -qxF "$file" <<<"$found" || { echo "$file is missing"; return 1; }
  done
  if file=$(grep -m 1 -vE '^/(etc/ctgate|usr/(s?bin|lib|lib64|share)/)' <<<"$found"); then
    { echo "$file is out of place"; return 1; }
  fi
  [[ $(rpm -qcp "$(package ctgate)") == /etc/ctgate/policy.toml ]] ||
    { echo "policy.toml, and nothing else, has to be a configuration file"; return 1; }
  echo "$(wc -l <<<"$found") files"
}

# Names of sonames and packages are those of Fedora and RHEL.
requirements() {
  local needed name
  needed=$(rpm -qp --requires "$(package ctgate)" "$(package libctgate)")
  for name in 'libmnl.so.0()' 'libnetfilter_queue.so.1()' 'libnetfilter_conntrack.so.3()' 'libnftnl.so.11()' \
    'libnftables.so.1()' 'libcap-ng.so.0()' 'libsystemd.so.0()' 'libcares.so.2()' 'libctgate('; do
    grep -qF "$name" <<<"$needed" || { echo "no package requires $name"; return 1; }
  done
  # The preload library alone needs libc only.
  if rpm -qp --requires "$(package libctgate)" |
    grep -vE '^(lib(c|cares|pthread)\.so|ld-linux|rpmlib\(|rtld\(|/bin/sh$)' >&2; then
    echo "libctgate requires more than libc and c-ares"
    return 1
  fi
  rpm -qp --recommends "$(package ctgate)" | grep -qx iproute || { echo "ctgate does not recommend iproute"; return 1; }
  echo "$(wc -l <<<"$needed") requirements, all of Fedora's names"
}

lifecycle() {
  unshare --mount --net --pid --fork --kill-child --mount-proc "$here/rpm/lifecycle" "$work"
}

if [[ -n $packages ]]; then
  cp -r "$packages"/{out,newer} "$work/" || exit 1
else
  check build build || exit 1
fi
check lint lint
check contents contents
check requirements requirements
check lifecycle lifecycle
exit "$failed"

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The rpm packages: see --help.
set -u
subject=rpm
# shellcheck source=SCRIPTDIR/support.sh
. "$(dirname "${BASH_SOURCE[0]}")/support.sh"
. "$source_root/packaging/publisher"

usage() {
  cat <<'HELP'
usage: tests/packages/rpm.sh [--packages DIR] [--keep DIR]

Builds the rpm packages, twice the binary ones (a second release without compiling again), looks at them (rpmlint, list
of files, requirements), and installs, upgrades and removes them in a scratch root: this machine's own file system below
an overlay in memory. Prints a line `PASS rpm: NAME FIGURES` or `FAIL rpm: NAME REASON` for each.
  --packages DIR  those that an earlier run left there, with --keep, instead of a build
  --keep DIR      leave packages and logs there
Exit codes: 0 all passed, 1 one failed, 2 usage, 77 nothing could run.
HELP
}

packages=""
while (($#)); do
  case $1 in
    --keep | --packages)
      (($# > 1)) || { usage >&2; exit 2; }
      declare "${1#--}=$(realpath -m "$2")"
      shift
      ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done

[[ $(id -u) == 0 ]] || skip_all "needs root, for a scratch root"
for program in rpmbuild rpm rpmlint find-debuginfo eu-strip scdoc unshare; do
  command -v "$program" >/dev/null ||
    skip_all "there is no $program (Debian: rpm, rpmlint, debugedit, elfutils, scdoc; Fedora: rpm-build instead of rpm)"
done

build() {
  "$source_root/packaging/build-rpm" --no-check --topdir "$work/top" --output "$work/rpms" >&2 ||
    wrong "packaging/build-rpm failed"
  # The same once more as release 2, installed and packed from what was compiled. rpmbuild then marks the packages as not
  # for use; --nodeps overlooks that.
  local version stage options=()
  version=$(rpm -qp --qf '%{version}' "$work"/rpms/ctgate-[0-9]*.src.rpm) || return
  [[ -e /usr/lib/rpm/macros.d/macros.systemd ]] || options=(--nodeps --load "$source_root/packaging/rpm/macros.fedora")
  for stage in -bi -bb; do
    rpmbuild "$stage" --short-circuit --noclean --define "_topdir $work/top" --define "ctgate_version $version" \
      --define "ctgate_release 2" --without check "${options[@]}" "$work/top/SPECS/ctgate.spec" >&2 \
      </dev/null || wrong "the second release can't be built"
  done
  mkdir "$work/newer" && find "$work/top/RPMS" -name '*-2*.rpm' -exec mv -t "$work/newer" {} + || return
  find "$work/rpms" -name '*.rpm' -printf '%f\n' | sort | paste -sd ' '
}

# The file of a package, of the first release.
rpm_file() { echo "$work/rpms/$1"-[0-9]*."$(uname -m)".rpm; }

lint() {
  local said
  cp "$source_root/packaging/rpm/ctgate.spec" "$work/" && set_publisher "$work/ctgate.spec"
  said=$(rpmlint -r "$source_root/packaging/rpm/ctgate.rpmlintrc" "$work"/rpms/*.rpm "$work/ctgate.spec" 2>&1)
  echo "$said" >&2
  grep -q ' 0 errors, 0 warnings' <<<"$said" || wrong "$(grep -m 1 -E ': [EW]: ' <<<"$said")"
  echo "no error and no warning"
}

# What has to be where, and nothing outside the usual places. %docdir and build ids have names of their own.
contents() {
  local file found
  found=$(rpm -qlp "$(rpm_file ctgate)" "$(rpm_file libctgate)")
  for file in /usr/bin/ctgate "$(rpm --eval %_sbindir)/ctgated" /usr/lib64/libctgate.so /usr/lib64/libctgate-resolver.so \
    /etc/ctgate/policy.toml /usr/lib/systemd/system/ctgated{,@}.service /usr/lib/sysusers.d/ctgate.conf \
    /usr/lib/tmpfiles.d/ctgate.conf /usr/share/man/man1/ctgate.1.gz /usr/share/man/man8/ctgated.8.gz \
    /usr/share/man/man5/ctgate-policy.5.gz /usr/share/man/man7/libctgate.7.gz \
    /usr/share/bash-completion/completions/ctgate{,d} /usr/share/zsh/site-functions/_ctgate \
    /usr/share/fish/vendor_completions.d/ctgate{,d}.fish; do
    grep -qxF "$file" <<<"$found" || wrong "$file is missing"
  done
  if file=$(grep -m 1 -vE '^/(etc/ctgate|usr/(s?bin|lib|lib64|share)/)' <<<"$found"); then
    wrong "$file is out of place"
  fi
  [[ $(rpm -qcp "$(rpm_file ctgate)") == /etc/ctgate/policy.toml ]] ||
    wrong "policy.toml, and nothing else, has to be a configuration file"
  echo "$(wc -l <<<"$found") files"
}

# Names of sonames and packages are those of Fedora and RHEL.
requirements() {
  local needed name
  needed=$(rpm -qp --requires "$(rpm_file ctgate)" "$(rpm_file libctgate)")
  for name in 'libmnl.so.0()' 'libnetfilter_queue.so.1()' 'libnetfilter_conntrack.so.3()' 'libnftnl.so.11()' \
    'libnftables.so.1()' 'libcap-ng.so.0()' 'libsystemd.so.0()' 'libcares.so.2()' 'libctgate('; do
    grep -qF "$name" <<<"$needed" || wrong "no package requires $name"
  done
  # The preload library alone needs libc only.
  if rpm -qp --requires "$(rpm_file libctgate)" |
    grep -vE '^(lib(c|cares|pthread)\.so|ld-linux|rpmlib\(|rtld\(|/bin/sh$)' >&2; then
    wrong "libctgate requires more than libc and c-ares"
  fi
  grep -qx iproute <<<"$needed" || wrong "ctgate does not require iproute"
  echo "$(wc -l <<<"$needed") requirements, all of Fedora's names"
}

lifecycle() {
  unshare --mount --net --pid --fork --kill-child --mount-proc "$source_root/tests/packages/rpm/lifecycle" "$work"
}

if [[ -n $packages ]]; then
  cp -r "$packages"/{rpms,newer} "$work/" || exit 1
else
  check build build || exit 1
fi
check lint lint
check contents contents
check requirements requirements
check lifecycle lifecycle
exit "$failed"

# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the scripts about packages share; sourced by them.
#
# Each of them prints a line `PASS SUBJECT: NAME FIGURES`, `FAIL SUBJECT: NAME REASON` or `SKIP SUBJECT REASON` for each
# thing that it looks at, says more on standard error, and ends with 0 (all passed), 1 (one failed), 2 (wrong usage) or
# 77 (nothing could run). Before they source this they set $subject.

PATH=$PATH:/usr/sbin:/sbin
source_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# What the tests have compiled, and the packages before, is not compiled again.
export CMAKE_CXX_COMPILER_LAUNCHER=$source_root/tests/support/compile-once
failed=0
# debs: the directory of the packages; newer: the same of a higher version; keep: where to leave what was made, or empty.
debs="" newer="" keep=""
work=$(mktemp -d)
leave() {
  if [[ -n $keep ]]; then mkdir -p "$keep" && cp -r "$work"/*.log "$work"/{debs,rpms,newer} "$keep/" 2>/dev/null; fi
  rm -rf "$work"
}
trap leave EXIT
trap 'exit 130' INT TERM HUP

skip_all() {
  echo "SKIP ${subject:?} $*"
  exit 77
}

# The options that all take; the script has `usage`.
parse_options() {
  while (($#)); do
    case $1 in
      --debs | --newer | --keep)
        (($# > 1)) || { usage >&2; exit 2; }
        declare -g "${1#--}=$(realpath -m "$2")"
        shift
        ;;
      -h | --help) usage; exit 0 ;;
      *) usage >&2; exit 2 ;;
    esac
    shift
  done
  if [[ ${debs:+named} != "${newer:+named}" ]]; then
    echo "$subject: --debs and --newer go together" >&2
    exit 2
  fi
}

# check NAME COMMAND...: its output is the figures, or says in its last line what is wrong.
check() {
  local name=$1 said start=$SECONDS
  shift
  if said=$("$@" 2>"$work/$name.log"); then
    echo "PASS $subject: $name $(paste -sd ' ' <<<"$said"), $((SECONDS - start)) s"
    return
  fi
  # shellcheck disable=SC2034 # the scripts end with it
  failed=1
  tail -n 30 "$work/$name.log" >&2
  echo "FAIL $subject: $name $(tail -n 1 <<<"$said")"
  return 1
}

# For commands under check: the last line of output, and failure.
wrong() {
  echo "$*"
  exit 1
}

# $debs and $newer, compiled once, unless they were named. Under check.
build_packages() {
  local version
  [[ -d $debs ]] || wrong "there is no directory $debs"
  version=$(dpkg-parsechangelog -l "$source_root/packaging/debian/changelog" -S Version) || wrong "no version"
  build_deb --output "$debs" --work "$work/build" && build_deb --output "$newer" --work "$work/build" \
    --version "$version+later" || wrong "packaging/build-deb failed"
  find "$debs" -name '*.deb' -printf '%f\n' | sort
}

build_deb() { "$source_root/packaging/build-deb" --no-check "$@" >&2; }

# get_packages: makes them if need be, and says so; ends the script if that fails.
get_packages() {
  [[ -z $debs ]] || return 0
  command -v dpkg-buildpackage >/dev/null && command -v dh >/dev/null ||
    skip_all "needs dpkg-buildpackage and dh (Debian: dpkg-dev, debhelper)"
  debs=$work/debs newer=$work/newer
  mkdir "$debs" "$newer"
  check build build_packages || exit 1
}

# package NAME [DIRECTORY]: its file.
package() { echo "${2:-$debs}/$1"_[0-9]*.deb; }

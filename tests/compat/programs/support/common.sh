# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the cases have in common. A case is the first process of a PID namespace: what it leaves behind ends with it.
# Each begins with: . "${0%/*}/support/common.sh"
set -euo pipefail

# 192.0.2.1, alias compat.example: this machine, but for ctgate not a loopback address.
# shellcheck disable=SC2034
here=192.0.2.1

cannot_work_here() { # REASON
  printf '%s\n' "$*" >&2
  exit 77
}

# Runs a server in the background, its words in PROGRAM.log: serve PROGRAM [ARGUMENT...]
serve() {
  "$@" >>"${1##*/}.log" 2>&1 </dev/null &
}

# Returns when somebody listens there: await tcp|udp PORT
await() {
  local tries protocol=$1 port=$2
  for ((tries = 0; tries < 200; ++tries)); do
    if [ -n "$(ss -H -n -l "--$protocol" "sport = :$port")" ]; then return; fi
    sleep 0.05
  done
  printf 'nobody listens on %s port %s\n' "$protocol" "$port" >&2
  cat ./*.log >&2
  return 1
}

# As a user without rights: as_user PROGRAM [ARGUMENT...]
as_user() { setpriv --reuid=compat --regid=compat --init-groups --inh-caps=-all -- "$@"; }

# A name server for known.example and hosts below it; nobody knows unknown.example: serve_names [DNSMASQ-OPTION...]
serve_names() {
  serve "$(command -v dnsmasq)" --keep-in-foreground --conf-file=/dev/null --no-hosts --no-resolv --no-daemon \
    --listen-address="$here" --listen-address=2001:db8::1 --bind-interfaces --pid-file --user=root --local-ttl=60 \
    --address=/known.example/"$here" --address=/known.example/2001:db8::1 --address=/unknown.example/ \
    --txt-record=long.example,"$(printf 'x%.0s' {1..200})" "$@"
  await udp "$(printf '%s\n' 53 "$@" | sed -n 's/^--port=//; /^[0-9]*$/p' | tail -n 1)"
}

# CPython's own test modules side by side, one line a test: cpython_suites MODULE...
cpython_suites() {
  local module
  /usr/bin/python3 -c 'import test.support' 2>/dev/null ||
    cannot_work_here "CPython's tests are not installed (Debian: libpython3.*-testsuite)"
  for module in "$@"; do
    mkdir "$module"
    (cd "$module" && exec /usr/bin/python3 "${0%/*}/support/suite.py" "$module" Vsock VSOCK >results 2>&1) &
  done
  wait
  for module in "$@"; do
    echo "$module"
    cat "$module/results"
  done
}

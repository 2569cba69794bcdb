# SPDX-License-Identifier: GPL-2.0-or-later
# chronyd asks a chronyd, with each of its seccomp filters, which kill it for a system call that it would not make
# itself (so the library leaves it alone, by its name).
# needs: chronyd
. "${0%/*}/support/common.sh"
mkdir -p /run/chrony
# The server sets no clock (-x) and answers as if it knew the time.
serve "$(command -v chronyd)" -x -n -u root "bindaddress $here" 'local stratum 3' 'allow all' 'cmdport 0' \
  "pidfile $PWD/server.pid" 'port 123'
await udp 123
ask() { # LEVEL
  chronyd -Q -n -t 15 -u root -F "$1" "server $here iburst" 'cmdport 0' "pidfile $PWD/client$1.pid" >"answer$1" 2>&1 ||
    echo "exit $?" >>"answer$1"
}
clients=()
for level in 0 1 2; do
  ask "$level" &
  clients+=($!)
done
wait "${clients[@]}"
sed -E 's/^[0-9TZ:-]+ //; s/wrong by -?[0-9.]+ seconds/wrong by T seconds/' answer?

# SPDX-License-Identifier: GPL-2.0-or-later
# nc -u: lines there and back.
# needs: nc
. "${0%/*}/support/common.sh"
nc -u -l -s "$here" -p 7000 </dev/null >received 2>/dev/null &
await udp 7000
for i in 1 2 3; do echo "line $i"; sleep 0.05; done | nc -u -w 1 "$here" 7000
cat received
nc -u -z -v -w 1 "$here" 7001 2>&1 || echo "exit $?"
nc -z -v -w 1 "$here" 7001 2>&1 || echo "exit $?"

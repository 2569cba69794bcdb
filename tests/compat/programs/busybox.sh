# SPDX-License-Identifier: GPL-2.0-or-later
# busybox, linked statically: the library is not loaded, and nothing happens for lack of it.
# needs: busybox dnsmasq
. "${0%/*}/support/common.sh"
if ! { ldd "$(command -v busybox)" 2>&1 || true; } | grep "not a dynamic executable" >/dev/null; then
  cannot_work_here "busybox is linked dynamically here (Debian: busybox-static)"
fi
serve_names
busybox ash -c 'for i in 3 1 2; do echo $i; done | busybox sort; echo err >&2; exit 4' || echo "exit $?"
busybox nslookup known.example "$here" | grep -A 1 '^Name'
busybox tar c -f - -C /etc hosts | busybox tar t -f -
busybox printf '%s\n' a b c | busybox awk '{ print NR, $0 }'
busybox false || echo "exit $?"

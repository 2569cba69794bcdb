# SPDX-License-Identifier: GPL-2.0-or-later
# systemd-analyze, as far as it needs no service manager (systemd-run would ask the one outside of this sandbox).
# needs: systemd-analyze
. "${0%/*}/support/common.sh"
systemd-analyze calendar --base-time='2030-01-01 00:00:00 UTC' 'Mon *-*-* 03:00' | grep -v 'From now'
systemd-analyze timespan 1h5m
printf '[Unit]\nDescription=x\n[Service]\nType=oneshot\nExecStart=/bin/true\n' >ok.service
systemd-analyze verify "$PWD/ok.service"
printf '[Service]\nExecStart=relative\n' >wrong.service
systemd-analyze verify "$PWD/wrong.service" 2>&1 | sort || echo "exit ${PIPESTATUS[0]}"
systemd-analyze security --offline=true "$PWD/ok.service" | tail -n 1
systemd-analyze syscall-filter @io-event
